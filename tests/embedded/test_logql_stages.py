"""What the stages of a log query make of lines: which go on, with which text, labels and errors."""

from __future__ import annotations

import pytest

from warroom.embedded.log_store import LogStore
from warroom.embedded.logql import LogQL
from warroom.telemetry.logs import LogLine

NS = 1_795_247_298_747_750_964
LABELS = (("app", "shop"), ("level", "info"))
OWN = {"detected_level", "trace_id"}
JSON = (
    '{"msg":"paid","ms":250,"ok":true,"none":null,"list":[1,2],"user":{"id":"u1","2fa":false},"level":"warn","a-b":"c"}'
)
LOGFMT = 'level=warn msg="charge card" took=1.5s size=10KB code=503 empty= bare "stray'


def ask(query, *texts, metadata=(("trace_id", "ab12"),)):
    """Lines that come out of `{app="shop"}` and stages: text, found fields, stream labels."""
    store = LogStore()
    store.append([LogLine(NS + at, text, LABELS, metadata) for at, text in enumerate(texts)])
    page = LogQL(store).query_range(f'{{app="shop"}} {query}', NS - 1, NS + 1000, 100, "forward")
    return [(line.text, {k: v for k, v in line.metadata if k not in OWN}, dict(line.labels)) for line in page.lines]


@pytest.mark.parametrize(
    ("stage", "kept"),
    [
        ('|= "b"', ["abc", "b", "über b"]), ('!= "b"', ["", "x.y"]), ('|= ""', ["abc", "b", "über b", "", "x.y"]),
        ('|~ "^a"', ["abc"]), ('|~ "b$"', ["b", "über b"]), ('!~ "[abx]"', [""]), ('|~ "x.y"', ["x.y"]),
        ('|~ "(?i)ÜBER"', ["über b"]), ('|= "abc" or "x.y"', ["abc", "x.y"]),
        ('!= "abc" or "x.y"', ["b", "über b", ""]),
        ('|~ "ab|x"', ["abc", "x.y"]), ('|= "b" != "a" |= "ü"', ["über b"]), ('|> "<_>b<_>"', ["abc", "über b"]),
        ('!> "<_>b<_>"', ["b", "", "x.y"]), ('|> "b"', ["b"]),
    ],
)  # fmt: skip
def test_lines_are_filtered_by_their_text(stage, kept):
    assert [text for text, _, _ in ask(stage, "abc", "b", "über b", "", "x.y")] == kept


@pytest.mark.parametrize(
    ("stage", "kept"),
    [
        ('|= ip("10.0.0.0/8")', ["from 10.1.2.3:80"]), ('!= ip("10.0.0.0/8")', ["from 11.1.2.3", "none", "::1 said"]),
        ('|= ip("10.1.2.0-10.1.2.9")', ["from 10.1.2.3:80"]), ('|= ip("::1")', ["::1 said"]),
    ],
)  # fmt: skip
def test_lines_are_filtered_by_the_addresses_in_them(stage, kept):
    assert [text for text, _, _ in ask(stage, "from 10.1.2.3:80", "from 11.1.2.3", "none", "::1 said")] == kept


JSON_FIELDS = {
    "msg": "paid", "ms": "250", "ok": "true", "user_id": "u1", "user__2fa": "false", "level_extracted": "warn",
    "a_b": "c",
}  # fmt: skip
UNTERMINATED = "logfmt syntax error at pos 9 : unterminated quoted value"
LOGFMT_FIELDS = {"level_extracted": "warn", "msg": "charge card", "took": "1.5s", "size": "10KB", "code": "503"}


@pytest.mark.parametrize(
    ("stage", "text", "fields"),
    [
        ("| json", JSON, JSON_FIELDS),
        ("| json", "{}", {}),
        ("| json", '{"__error__":"x","trace_id":"cd"}', {"__error__": "x", "trace_id_extracted": "cd"}),
        ('| json id="user.id", first="list[0]", all="list", who="user", no="x.y"', JSON,
         {"id": "u1", "first": "1", "all": "[1,2]", "who": '{"id":"u1","2fa":false}', "no": ""}),
        ('| json dash="[\\"a-b\\"]", ms', JSON, {"dash": "c", "ms": "250"}),
        ("| json", "plain", {"__error__": "JSONParserErr",
                             "__error_details__": "Value looks like object, but can't find closing '}' symbol"}),
        ('| json a="b"', "plain", {"__error__": "JSONParserErr"}),
        ("| logfmt", LOGFMT, LOGFMT_FIELDS),
        ("| logfmt --keep-empty", LOGFMT, {**LOGFMT_FIELDS, "empty": "", "bare": ""}),
        ("| logfmt --strict", 'a=1 b="x', {"a": "1", "__error__": "LogfmtParserErr",
                                           "__error_details__": UNTERMINATED}),
        ("| logfmt --strict", "a=1 =b c=2", {"a": "1", "__error__": "LogfmtParserErr",
                                             "__error_details__": "logfmt syntax error at pos 5 : unexpected '='"}),
        ("| logfmt", "a=1 =b c=2", {"a": "1", "c": "2"}),
        ("| logfmt", r'a="x\"y\n\u00e9" b.c-d=1 1st=2', {"a": 'x"y\né', "b_c_d": "1", "_1st": "2"}),
        ('| logfmt c="code", m="msg", no="nothing"', LOGFMT, {"c": "503", "m": "charge card", "no": ""}),
        ('| pattern "<ip> - [<lvl>] <_> <status>"',
         "10.0.0.1 - [E] GET 500", {"ip": "10.0.0.1", "lvl": "E", "status": "500"}),
        ('| pattern "from <x> to <y>"', "no match", {}),
        ('| pattern "<x> to <y>"', "only", {"x": "only"}),
        ('| regexp "(?P<verb>[A-Z]+) (?P<path>/\\\\S*)( (?P<no>x))?"',
         "GET /a/b", {"verb": "GET", "path": "/a/b", "no": ""}),
        ('| regexp "(?P<verb>PUT)"', "GET /a/b", {}),
        ("| json | logfmt", "a=1", {"a": "1", "__error__": "JSONParserErr",
                                    "__error_details__": "Value looks like object, but can't find closing '}' symbol"}),
        ('| logfmt | label_format a="{{.a}}!" | logfmt', "a=1", {"a": "1!"}),
    ],
)  # fmt: skip
def test_parsers_find_fields(stage, text, fields):
    ((said, found, labels),) = ask(stage, text)
    assert said == text
    assert found == fields
    assert labels == {"app": "shop", "level": "info", "service_name": "shop"}


def test_unpacking_gives_the_packed_line_back():
    ((said, found, _),) = ask("| unpack", '{"pod":"p1","n":5,"_entry":"the line"}')
    assert (said, found) == ("the line", {"pod": "p1"})


@pytest.mark.parametrize(
    ("stages", "kept"),
    [
        ("| code >= 500", 1), ("| code > 503", 0), ("| code == 503", 1), ("| code = 503.0", 1), ("| code != 503", 0),
        ("| code < 504 and code <= 503", 1), ("| took > 1s", 1), ("| took > 1.5s", 0), ("| took == 1500ms", 1),
        ("| took < 2s or code = 1", 1), ("| size > 9KB", 1), ("| size = 10KB", 1), ("| size >= 10KiB", 0),
        ('| msg = "charge card"', 1), ('| msg != "charge card"', 0), ('| msg =~ "charge.*"', 1),
        ('| msg =~ "charge"', 0),
        ('| msg !~ ".*card"', 0), ('| nothing = ""', 1), ('| nothing != ""', 0), ("| nothing > 0", 0),
        ('| level = "info"', 1), ('| level_extracted = "warn"', 1), ('| trace_id = "ab12"', 1), ('| trace_id = "x"', 0),
        ('| app = "shop", code = 503', 1), ('| app = "x" or (code = 503 and took > 1s)', 1),
        ('| (app = "x" or code = 503) and took > 2s', 0), ('| app = "shop" code = 1', 0),
    ],
)  # fmt: skip
def test_lines_are_filtered_by_labels(stages, kept):
    assert len(ask(f"| logfmt {stages}", LOGFMT)) == kept


@pytest.mark.parametrize(
    ("stage", "details"),
    [
        ("| msg > 5", 'strconv.ParseFloat: parsing "charge card": invalid syntax'),
        ("| msg > 5s", 'time: invalid duration "charge card"'),
        ("| code > 5s", 'time: missing unit in duration "503"'),
        ("| took > 5KB", "unhandled size name: s"),
    ],
)
def test_a_value_that_cannot_be_compared_goes_on_with_an_error(stage, details):
    ((_, found, _),) = ask(f"| logfmt {stage}", LOGFMT)
    assert (found["__error__"], found["__error_details__"]) == ("LabelFilterErr", details)


def test_errors_can_be_filtered_and_dropped():
    assert ask('| json | __error__ = ""', "plain", "{}") == [
        ("{}", {}, {"app": "shop", "level": "info", "service_name": "shop"})
    ]
    assert len(ask('| json | __error__ != ""', "plain", "{}")) == 1
    assert ask("| json | drop __error__, __error_details__", "plain")[0][1] == {}


@pytest.mark.parametrize(
    ("stages", "found", "gone"),
    [
        ("| drop msg", {"took": "1.5s"}, {"msg"}), ('| drop msg="x"', {"msg": "charge card"}, set()),
        ('| drop msg=~"charge.*", took', {"code": "503"}, {"msg", "took"}), ("| keep code", {"code": "503"}, {"msg"}),
        ('| keep code=~"5..", took', {"code": "503", "took": "1.5s"}, {"msg", "size"}),
        ("| label_format status=code", {"status": "503"}, {"code"}),
        ('| label_format status="{{.code}}/{{.took}}", code="x"', {"status": "503/1.5s", "code": "x"}, set()),
        ("| label_format status=nothing", {"code": "503"}, {"status"}),
    ],
)  # fmt: skip
def test_labels_are_dropped_kept_and_renamed(stages, found, gone):
    ((_, fields, _),) = ask(f"| logfmt {stages}", LOGFMT)
    assert found.items() <= fields.items()
    assert not gone & set(fields)


def test_labels_of_the_stream_can_be_dropped_and_replaced():
    assert ask("| drop level", "x")[0][2] == {"app": "shop", "service_name": "shop"}
    assert ask("| keep app", "x")[0][2] == {"app": "shop"}
    ((_, fields, labels),) = ask('| label_format level="{{.app | ToUpper}}"', "x")
    assert (fields, labels) == ({"level": "SHOP"}, {"app": "shop", "service_name": "shop"})


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("{{.msg}} in {{.took}}", "charge card in 1.5s"), ("{{.nothing}}|", "|"), ("no action", "no action"),
        ("{{ .msg | ToUpper | replace \"CARD\" `x` }}", "CHARGE x"), ('{{ Replace .msg "a" "o" 1 }}', "chorge card"),
        ('{{ if eq .code "503" }}bad{{ else }}good{{ end }}', "bad"),
        ("{{ if .nothing }}a{{ else if .code }}b{{ end }}", "b"),
        ("{{ if not .nothing }}a{{ end }}", "a"), ('{{ if and .code (ne .code "1") }}a{{ end }}', "a"),
        ('{{ or .nothing "other" }}', "other"), ('{{ .nothing | default "d" }}', "d"),
        ("{{ with .code }}<{{ . }}>{{ end }}", "<503>"),
        ("a {{- .code -}} b", "a503b"), ("{{/* why */}}x", "x"), ('{{ trunc 3 .msg }}{{ trunc -2 .msg }}', "chard"),
        ('{{ substr 0 6 .msg }}', "charge"), ('{{ contains "card" .msg }}', "true"),
        ('{{ hasPrefix "x" .msg }}', "false"),
        ('{{ .msg | trimSuffix "card" | trim }}', "charge"), ('{{ TrimLeft .msg "hc" }}', "arge card"),
        ("{{ .msg | title }}", "Charge Card"),
        ("{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }}", "6 3 6 3 1"),
        ("{{ addf 1.5 2 }} {{ divf 7 2 }} {{ mulf 1.5 2 }}", "3.5 3.5 3"), ("{{ max 1 3 2 }} {{ min 1 3 2 }}", "3 1"),
        ("{{ ceil 1.2 }} {{ floor 1.8 }} {{ round 1.256 2 }}", "2 1 1.26"), ("{{ int .code | add 1 }}", "504"),
        ("{{ duration .took }} {{ bytes .size }}", "1.5 10000"), ('{{ count "c" .msg }}', "2"),
        ('{{ regexReplaceAll "(c)(.)" .msg "${2}$1" }}', "hcarge acrd"),
        ('{{ regexReplaceAllLiteral "c." .msg "$1" }}', "$1arge $1rd"),
        ("{{ alignLeft 5 .code }}|{{ alignRight 5 .code }}|{{ alignRight 2 .code }}", "503  |  503|03"),
        ('{{ printf "%s %-5s|%5.1f|%03d|%q|%v%%" .code .code 1.25 7 .code true }}', '503 503  |  1.2|007|"503"|true%'),
        ("{{ urlencode .msg }} {{ urldecode `a%20b` }}", "charge+card a b"),
        ("{{ .code | b64enc }} {{ `YWI` | b64dec }}", "NTAz ab"),
        ("{{ __timestamp__ | date `2006-01-02T15:04:05.000Z07:00` }}", "2026-11-21T07:48:18.747Z"),
        ("{{ __timestamp__ | unixEpoch }} {{ __timestamp__ | unixEpochMillis }}", "1795247298 1795247298747"),
        ("{{ unixToTime `1795247298` | date `Jan 2 15:04` }}", "Nov 21 07:48"),
        ("{{ len .code }} {{ repeat 3 `ab` }}", "3 ababab"),
        ('{{ index (fromJson `{"a":{"b":[1,2]}}`) "a" "b" }}', "[1 2]"), ("{{ __line__ | lower }}", LOGFMT.lower()),
        ("{{ indent 2 .code }}", "  503"),
        ("{{ lower .app }}{{ upper .level }}", "shopINFO"), ("{{ print .code 1 2.5 true }}", "50312.5true"),
        ('{{ "é\\t" }}', "é\t"),
    ],
)  # fmt: skip
def test_templates_are_filled_in(template, line):
    quoted = template.replace("\\", "\\\\").replace('"', '\\"')
    ((said, fields, _),) = ask(f'| logfmt | line_format "{quoted}"', LOGFMT)
    assert "__error__" not in fields
    assert said == line


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ div 1 0 }}", "integer divide by zero"), ("{{ repeat 999999 .msg }}", "is not made here"),
        ("{{ duration .msg }}", "invalid duration"), ("{{ .msg.x }}", "can't evaluate field x"),
        ("{{ index .msg 1 }}", "can't index"),
        ('{{ regexReplaceAll "(" .msg "" }}', "missing closing"), ("{{ lt .msg 1 }}", "incompatible types"),
        ("{{ date `2006` .msg }}", "wants a moment"), ("{{ ToUpper 5 }}", "expected string"),
        ("{{ fromJson .msg }}", "error calling fromJson"),
    ],
)  # fmt: skip
def test_a_template_that_fails_leaves_the_line_and_says_why(template, words):
    quoted = template.replace('"', '\\"')
    ((said, fields, _),) = ask(f'| logfmt | line_format "{quoted}"', LOGFMT)
    assert said == LOGFMT
    assert fields["__error__"] == "TemplateFormatErr"
    assert words in fields["__error_details__"]


def test_colours_of_a_terminal_are_taken_off():
    assert ask("| decolorize", "\x1b[31mred\x1b[0m plain")[0][0] == "red plain"


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_no_expression_can_hold_the_process_up(pattern):
    """Each of these takes longer than the universe in a matcher that turns back: the test would never end."""
    assert ask(f'|~ "{pattern}"', "a" * 5000 + "!") == []
    ask(f'| regexp "(?P<x>{pattern})"', "a" * 5000 + "!")
    ask(f'| logfmt | msg =~ "{pattern}"', 'msg="' + "a" * 5000 + '!"')


@pytest.mark.parametrize(
    "text", ['a="' * 20_000, "a=" * 20_000, '"' * 40_000, "a=\\" * 10_000, 'a="\\' * 10_000, "=" * 40_000]
)
def test_no_line_takes_logfmt_long(text):
    assert len(ask("| logfmt", text)) == 1
    assert len(ask("| logfmt --strict --keep-empty", text)) == 1
