"""What is LogQL, what is not and in which words that is said, and that a query written out again is the same query."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warroom.embedded.logql import LogqlError, ast
from warroom.embedded.logql.parse import parse, parse_log, parse_loosely, parse_selector
from warroom.embedded.logql.text import query_text

_LONELY = "queries require at least one regexp or equality matcher that does not have an empty-compatible value"

WRITTEN = [
    ('{a="b"}', '{a="b"}'),
    (' { a = "b" , c=~"d.*",e!="f",g!~`h` } ', '{a="b", c=~"d.*", e!="f", g!~"h"}'),
    ('{a="b"} # all of it', '{a="b"}'),
    ('({a="b"})', '{a="b"}'),
    ('{a="\\"\\\\\\n\\t"}', '{a="\\"\\\\\\n\\t"}'),
    ("{a=`\\d+\"`}", '{a="\\\\d+\\""}'),
    ('{a="é"}', '{a="é"}'),
    ('{a="b"}|="x"!="y"|~"z.*"!~"w"', '{a="b"} |= "x" != "y" |~ "z.*" !~ "w"'),
    ('{a="b"} |> "<_> in <_>" !> "x<_>"', '{a="b"} |> "<_> in <_>" !> "x<_>"'),
    ('{a="b"} |= "x" or "y" or "z"', '{a="b"} |= "x" or "y" or "z"'),
    ('{a="b"} != "x" or "y"', '{a="b"} != "x" != "y"'),
    ('{a="b"} |= ip("10.0.0.0/8")', '{a="b"} |= ip("10.0.0.0/8")'),
    ('{a="b"} |= "x" or ip("10.0.0.1-10.0.0.9")', '{a="b"} |= "x" or ip("10.0.0.1-10.0.0.9")'),
    ('{a="b"}|json', '{a="b"} | json'),
    ('{a="b"}|json c="d.e[0]", f', '{a="b"} | json c="d.e[0]",f="f"'),
    ('{a="b"}|logfmt --strict --keep-empty', '{a="b"} | logfmt --strict --keep-empty'),
    ('{a="b"}|logfmt --strict c="d",e', '{a="b"} | logfmt --strict c="d",e="e"'),
    ('{a="b"}|pattern `<ip> - <_>`', '{a="b"} | pattern "<ip> - <_>"'),
    ('{a="b"}|regexp "(?P<x>\\\\d+)"', '{a="b"} | regexp "(?P<x>\\\\d+)"'),
    ('{a="b"}|unpack|decolorize', '{a="b"} | unpack | decolorize'),
    ('{a="b"}|line_format "{{.c}}"', '{a="b"} | line_format "{{.c}}"'),
    ('{a="b"}|label_format c=d, e="{{.f | ToUpper}}"', '{a="b"} | label_format c=d,e="{{.f | ToUpper}}"'),
    ('{a="b"}|drop c, d="e"|keep f,g=~"h.*"', '{a="b"} | drop c,d="e" | keep f,g=~"h.*"'),
    ('{a="b"}|c>5', '{a="b"} | c>5'),
    ('{a="b"}|c=5|d==-1.5|e!=+2', '{a="b"} | c==5 | d==-1.5 | e!=2'),
    ('{a="b"}|c>=1h30m|d<250ms|e!=1.5s', '{a="b"} | c>=1h30m0s | d<250ms | e!=1.5s'),
    ('{a="b"}|c>10KB|d<=1.5MiB', '{a="b"} | c>10kB | d<=1572864B'),
    ('{a="b"}|c="d" and e>1 or f="g"', '{a="b"} | ( ( c="d" , e>1 ) or f="g" )'),
    ('{a="b"}|c="d", e="f" or g="h"', '{a="b"} | ( c="d" , ( e="f" or g="h" ) )'),
    ('{a="b"}|(c="d" or e="f") and g="h"', '{a="b"} | ( ( c="d" or e="f" ) , g="h" )'),
    ('{a="b"}|c="d" e="f"', '{a="b"} | ( c="d" , e="f" )'),
    ('{a="b"}|c=ip("::1")|d!=ip("10.0.0.1")', '{a="b"} | c=ip("::1") | d!=ip("10.0.0.1")'),
    ('{a="b"}|level="error"|sum="x"', '{a="b"} | level="error" | sum="x"'),
    ('rate({a="b"}[5m])', 'rate({a="b"}[5m])'),
    ('RATE({a="b"}[1d12h])', 'rate({a="b"}[1d12h])'),
    ('count_over_time(({a="b"})[90m])', 'count_over_time({a="b"}[1h30m])'),
    ('count_over_time({a="b"}[5m]|="x")', 'count_over_time({a="b"} |= "x"[5m])'),
    ('bytes_rate({a="b"}|="x"[5m] offset 10m)', 'bytes_rate({a="b"} |= "x"[5m] offset 10m0s)'),
    ('count_over_time({a="b"}[5m] offset -5m)', 'count_over_time({a="b"}[5m] offset -5m0s)'),
    ('sum_over_time({a="b"}|json|unwrap c[5m])', 'sum_over_time({a="b"} | json | unwrap c[5m])'),
    ('max_over_time({a="b"}|unwrap duration(c)|__error__=""[5m])by(d,e)',
     'max_over_time({a="b"} | unwrap duration(c) | __error__=""[5m]) by (d,e)'),
    ('quantile_over_time(0.99,{a="b"}|unwrap bytes(c)[5m])without(d)',
     'quantile_over_time(0.99,{a="b"} | unwrap bytes(c)[5m]) without (d)'),
    ('sum(rate({a="b"}[5m]))', 'sum(rate({a="b"}[5m]))'),
    ('sum by(c)(rate({a="b"}[5m]))', 'sum by (c)(rate({a="b"}[5m]))'),
    ('sum(rate({a="b"}[5m]))by(c,d)', 'sum by (c,d)(rate({a="b"}[5m]))'),
    ('avg without()(rate({a="b"}[5m]))', 'avg without ()(rate({a="b"}[5m]))'),
    ('topk(3,rate({a="b"}[5m]))', 'topk(3,rate({a="b"}[5m]))'),
    ('bottomk by(c)(3,rate({a="b"}[5m]))', 'bottomk by (c)(3,rate({a="b"}[5m]))'),
    ('sort_desc(sum by (x)(rate({a="b"}[5m])))', 'sort_desc(sum by (x)(rate({a="b"}[5m])))'),
    ('rate({a="b"}[5m])+1*2', '(rate({a="b"}[5m]) + 2)'),
    ('1+2*3^2', '19'), ('2^3^2', '512'), ('-1', '-1'), ('1/0', 'NaN'), ('5%3', '2'), ('1e3', '1000'), ('2>1', '1'),
    ('rate({a="b"}[5m])>bool 1', '(rate({a="b"}[5m]) > bool 1)'),
    ('rate({a="b"}[5m])-rate({c="d"}[5m])-1', '((rate({a="b"}[5m]) - rate({c="d"}[5m])) - 1)'),
    ('rate({a="b"}[5m]) and rate({c="d"}[5m]) or vector(0)',
     '((rate({a="b"}[5m]) and rate({c="d"}[5m])) or vector(0.000000))'),
    ('rate({a="b"}[5m])/on(c)group_left(d)rate({c="d"}[5m])',
     '(rate({a="b"}[5m]) / on (c) group_left (d) rate({c="d"}[5m]))'),
    ('rate({a="b"}[5m])/ignoring(c)rate({c="d"}[5m])', '(rate({a="b"}[5m]) / ignoring (c)  rate({c="d"}[5m]))'),
    ('label_replace(rate({a="b"}[5m]),"x","$1","y","(.*)")', 'label_replace(rate({a="b"}[5m]),"x","$1","y","(.*)")'),
    ('absent_over_time({a="b"}[5m])', 'absent_over_time({a="b"}[5m])'),
]  # fmt: skip

WRONG = [
    ("", "parse error : syntax error: unexpected $end"),
    ("  ", "parse error : syntax error: unexpected $end"),
    ("{}", f"parse error : {_LONELY}"),
    ('{a=""}', f"parse error : {_LONELY}"),
    ('{a=~".*"}', f"parse error : {_LONELY}"),
    ('{a!="b"}', f"parse error : {_LONELY}"),
    ('{a=~"b|"}', f"parse error : {_LONELY}"),
    ('count_over_time({a=~".*"}[5m])', f"parse error : {_LONELY}"),
    ('{a="b"', "parse error at line 1, col 7: syntax error: unexpected $end, expecting } or ,"),
    ("{a=", "parse error at line 1, col 4: syntax error: unexpected $end, expecting STRING"),
    ("{a", "parse error at line 1, col 3: syntax error: unexpected $end, expecting = or =~ or !~ or !="),
    ('{a="b}', "parse error at line 1, col 4: literal not terminated"),
    ("{a=`b}", "parse error at line 1, col 4: literal not terminated"),
    ('{a="\\q"}', "parse error at line 1, col 4: invalid char escape"),
    ('{a="b"} "c"', "parse error at line 1, col 9: syntax error: unexpected STRING"),
    ('{a="b"} c', "parse error at line 1, col 9: syntax error: unexpected IDENTIFIER"),
    ('{a="b"}\n| c d', "parse error at line 2, col 5: syntax error: unexpected IDENTIFIER"),
    ('{a="b"} |~', "parse error at line 1, col 11: syntax error: unexpected $end, expecting STRING or ip"),
    ('{a="b"} |~ "("', "parse error : error parsing regexp: missing closing ): `(`"),
    ('{a=~"["}', "parse error : error parsing regexp: missing closing ]: `[`"),
    ('{a=~"b**"}', "parse error : error parsing regexp: invalid nested repetition operator: `**`"),
    ('{a=~"(?=b)"}', "parse error : error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
    ('{a="b"} |> "<x>"', "parse error : named captures are not allowed: found '<x>'"),
    ('{a="b"} |= ip("x")', "parse error : ip: invalid pattern: x"),
    ('{a="b"} |~ ip("10.0.0.1")', "parse error : ip: invalid filter type: |~"),
    ('{a="b"} | regexp "x"', "parse error : invalid regexp parser: at least one named capture must be supplied"),
    ('{a="b"} | regexp "("', "parse error : invalid regexp parser: error parsing regexp: missing closing ): `(`"),
    ('{a="b"} | pattern "x"', "parse error : invalid pattern parser: at least one capture is required"),
    ('{a="b"} | pattern "<x><y>"', "found consecutive capture '<x><y>': invalid expression"),
    ('{a="b"} | pattern "<x> <x>"', "duplicate capture name (x): invalid expression"),
    ('{a="b"} | json c="d."', "cannot parse expression [d.]: syntax error"),
    ('{a="b"} | line_format "{{.c"', "parse error : stage '| line_format \"{{.c\"' : invalid line template"),
    ('{a="b"} | line_format "{{nope .c}}"', 'function "nope" not defined'),
    ('{a="b"} | line_format "{{range .c}}{{end}}"', "{{range}} is not known here"),
    ('{a="b"} | line_format "{{$x := 1}}"', "variables are not known here"),
    ('{a="b"} | line_format "{{if .c}}x"', "unexpected EOF"),
    ('{a="b"} | line_format "{{end}}"', "unexpected {{end}}"),
    ('{a="b"} | line_format "{{ToUpper}}"', "wrong number of args for ToUpper"),
    ('{a="b"} | line_format "{{now}}"', 'function "now" not defined'),
    ('{a="b"} | label_format c="x",c="y"', "multiple label name 'c' not allowed in a single format operation"),
    ('{a="b"} | label_format __error__="x"', "__error__ cannot be formatted"),
    ('{a="b"} | c >= "5"', "syntax error: unexpected STRING"),
    ('{a="b"} | unwrap c', "syntax error: unexpected unwrap"),
    ('rate({a="b"}[1x])', 'parse error at line 0, col 13: unknown unit "x" in duration "1x"'),
    ('rate({a="b"}[5m)', "parse error at line 0, col 13: missing closing ']' in duration"),
    ('rate({a="b"}[])', "parse error at line 0, col 13: empty duration string"),
    ('rate({a="b"}[0s])', "a range of no time holds no lines"),
    ('rate({a="b"})', "parse error at line 1, col 13: syntax error: unexpected )"),
    ('sum({a="b"})', "parse error at line 1, col 12: syntax error: unexpected )"),
    ('min({ foo = "bar" }[5m])', "parse error at line 0, col 20: syntax error: unexpected RANGE"),
    ('sum(3,rate({a="b"}[5m]))', "unsupported parameter for operation sum(3,"),
    ('topk(rate({a="b"}[5m]))', "parameter required for operation topk"),
    ('topk(0,rate({a="b"}[5m]))', "invalid parameter (must be greater than 0) topk(0"),
    ('bottomk(1.2,rate({a="b"}[5m]))', "invalid parameter bottomk(1.2,"),
    ('approx_topk(2,rate({a="b"}[5m]))', "approx_topk is not answered here"),
    ('sort(rate({a="b"}[5m])) by (c)', "sort and sort_desc doesn't allow grouping by "),
    ('rate({a="b"}[5m]) by (c)', "grouping not allowed for rate aggregation"),
    ('sum_over_time({a="b"}[5m])', "invalid aggregation sum_over_time without unwrap"),
    ('count_over_time({a="b"}|unwrap c[5m])', "invalid aggregation count_over_time with unwrap"),
    ('quantile_over_time({a="b"}|unwrap c[5m])', "parameter required for operation quantile_over_time"),
    ('rate(5,{a="b"}[5m])', "parameter 5 not supported for operation rate"),
    ('quantile_over_time(x,{a="b"}|unwrap c[5m])',
     "parse error at line 1, col 20: syntax error: unexpected IDENTIFIER, expecting NUMBER or { or ("),
    ('vector(x)', "parse error at line 1, col 8: syntax error: unexpected IDENTIFIER, expecting NUMBER"),
    ('rate({a="b"}[5m]) > {a="b"}', "unexpected type for right leg of binary operation (>): *syntax.MatchersExpr"),
    ('rate({a="b"}[5m]) or 1', "unexpected literal for right leg of logical/set binary operation (or): 1.000000"),
    ('label_replace(rate({a="b"}[5m]),"x","$1","y","(")', "invalid regex in label_replace: error parsing regexp"),
    ('unk({a="b"}[5m])', "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"),
    ('sum by (c(rate({a="b"}[5m]))', "syntax error: unexpected (, expecting , or )"),
    ("(" * 200 + "1" + ")" * 200, "nested"),
    ('{a="b"} | ' + "(" * 200 + "c=1", "nested"),
    ("1" + "^1" * 200, "nested"),
    ('{a="' + "b" * 140_000 + '"}', "input size too long"),
    ('{a="\ud800"}', "invalid UTF-8"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "written"), WRITTEN)
def test_a_query_is_written_as_loki_writes_it(said, written):
    assert query_text(parse_loosely(said)) == written


@pytest.mark.parametrize(("said", "written"), [pair for pair in WRITTEN if pair[1] != "NaN"])
def test_what_is_written_is_the_same_query(said, written):
    assert parse_loosely(written) == parse_loosely(said)


@pytest.mark.parametrize(("said", "words"), WRONG)
def test_a_mistake_is_told_with_its_place_in_lokis_words(said, words):
    with pytest.raises(LogqlError) as told:
        parse(said)
    assert told.value.status == 400
    assert words in str(told.value)


def test_a_plain_selector_is_asked_for_where_only_one_will_do():
    assert parse_selector('{a="b"}') == (ast.Matcher("a", "=", "b"),)
    with pytest.raises(LogqlError, match="only label matchers are supported"):
        parse_selector('{a="b"} |= "x"')
    with pytest.raises(LogqlError, match="only log selector is supported"):
        parse_log('rate({a="b"}[1m])')


# -- whatever is said --------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from([
    "{", "}", "(", ")", "[5m]", "[", "]", "|", "|=", "!=", "|~", "!~", "|>", "=", "=~", ",", '"b"', '"("', "`x`", "a",
    "b1", "json", "logfmt", "--strict", "unwrap", "rate", "sum", "by", "without", "on", "ignoring", "group_left",
    "bool",    "and", "or", "unless", "5", "1.5", "5m", "10KB", "-", "+", "*", "/", "^", ">", ">=", "topk",
    "quantile_over_time",
    "label_format", "line_format", '"{{.x}}"', '"{{"', "drop", "keep", "pattern", '"<a> <_>"', "regexp", '"(?P<a>b)"',
    "offset", "vector", "label_replace", "ip", "duration", "#", "\n", "é", "\x00", '{a="b"}', "rate({a=\"b\"}[5m])",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=14).map(" ".join))
def test_no_text_makes_anything_but_a_tree_or_a_refusal(text):
    try:
        query = parse_loosely(text)
    except LogqlError:
        return
    again = query_text(query)
    assert "NaN" in again or "Inf" in again or query_text(parse_loosely(again)) == again


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_no_text_at_all_makes_a_traceback(text):
    for said in (text, f'{{a="b"}} {text}', f'{{a="b"}} | line_format `{text.replace("`", "")}`'):
        try:
            parse(said)
        except LogqlError:
            continue


_names = st.from_regex(r"[a-c][a-c0-9_]{0,4}", fullmatch=True).filter(lambda name: name not in {"by"})
_texts = st.text(max_size=6)
_matchers = st.builds(ast.Matcher, _names, st.sampled_from(["=", "!="]), _texts)
_filters = st.recursive(
    st.builds(ast.StringFilter, _matchers)
    | st.builds(ast.NumberFilter, _names, st.sampled_from(["==", "!=", ">", "<="]), st.integers(-99, 99).map(float))
    | st.builds(ast.DurationFilter, _names, st.sampled_from(["==", ">"]), st.integers(1, 10**13))
    | st.builds(ast.BytesFilter, _names, st.sampled_from(["==", ">="]), st.integers(0, 10**9)),
    lambda inner: st.builds(ast.BothFilters, inner, inner) | st.builds(ast.EitherFilter, inner, inner),
    max_leaves=4,
)
_stages = (
    st.builds(ast.LineFilter, st.sampled_from(["|=", "|~"]), st.just((ast.Needle("x"), ast.Needle('y"'))))
    | st.builds(ast.LineFilter, st.just("!="), _texts.map(lambda text: (ast.Needle(text),)))
    | st.builds(ast.JsonParser, st.lists(st.builds(ast.Extraction, _names, st.just("x.y[0]")), max_size=2).map(tuple))
    | st.builds(ast.LogfmtParser, st.just(()), st.booleans(), st.booleans())
    | st.just(ast.PatternParser("<a> - <_>"))
    | st.just(ast.Decolorize())
    | st.builds(ast.DropLabels, st.lists(st.builds(ast.Named, _names), min_size=1, max_size=2).map(tuple))
    | _filters
)


def _is_clear(query):
    """After `drop a` a filter `!= "x"` reads as part of a matcher, in Loki as here."""
    return not any(
        isinstance(one, ast.DropLabels) and isinstance(other, ast.LineFilter) for one, other in pairwise(query.stages)
    )


_logs = st.builds(
    ast.LogQuery, st.lists(_matchers, min_size=1, max_size=3).map(tuple), st.lists(_stages, max_size=3).map(tuple)
).filter(_is_clear)
_intervals = st.integers(1, 10**6).map(lambda seconds: seconds * 10**9)
_groupings = st.builds(ast.Grouping, st.lists(_names, min_size=1, max_size=2).map(tuple), st.booleans())
_ranges = st.builds(
    ast.RangeAggregation, st.sampled_from(["rate", "count_over_time"]), st.builds(ast.Range, _logs, _intervals)
) | st.builds(
    ast.RangeAggregation, st.sampled_from(["max_over_time", "avg_over_time"]),
    st.builds(ast.Range, _logs, _intervals, st.builds(ast.Unwrap, _names, st.sampled_from(["", "duration"]))),
    st.none(), _groupings,
)  # fmt: skip
_metrics = st.recursive(
    _ranges,
    lambda inner: (
        st.builds(ast.VectorAggregation, st.sampled_from(["sum", "max", "count"]), inner, st.just(0), _groupings)
        | st.builds(ast.VectorAggregation, st.just("topk"), inner, st.integers(1, 9))
        | st.builds(ast.Binary, st.sampled_from(["+", "*", ">", "==", "and", "or"]), inner, inner)
        | st.builds(ast.Binary, st.just("/"), inner, st.integers(-5, 5).map(lambda number: ast.Number(float(number))))
    ),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(_logs | _metrics)
def test_any_query_written_out_is_the_same_query(query):
    assert parse_loosely(query_text(query)) == query
