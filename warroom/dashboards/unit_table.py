"""The unit ids of Grafana and how each is written; the source of the units in the compatibility page.

Ids and their meaning: https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts

Invariant: an id stands in one category only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Manner: TypeAlias = Literal[
    "fixed",
    "si",
    "binary",
    "count",
    "scaled",
    "before",
    "after",
    "percent",
    "time",
    "clock",
    "date",
    "truth",
    "special",
]


@dataclass(frozen=True, slots=True)
class Unit:
    """How a unit is written.

    `sign` is its symbol (or the words of a truth value, or a date format). `power` says that the number is given in
    the unit with that prefix: 1 is kilo or kibi. `factor` (seconds) does the same for times.
    """

    category: str
    manner: Manner
    sign: str = ""
    power: int = 0
    factor: float = 1.0


def _rows(category: str, manner: Manner, said: str) -> Iterator[tuple[str, Unit]]:
    """`id=sign` or `id=sign*power`, several on a line separated by two blanks."""
    for entry in said.replace("\n", "  ").split("  "):
        if entry.strip():
            name, _, rest = entry.strip().partition("=")
            sign, _, power = rest.partition("*")
            yield name, Unit(category, manner, sign, int(power or 0))


def _times() -> Iterator[tuple[str, Unit]]:
    for name, factor in {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}.items():
        yield name, Unit("Time", "time", "", 0, factor)
    for name, sign, factor in (
        ("dtdurationms", "words", 1e-3), ("dtdurations", "words", 1.0), ("dthms", "h", 1.0), ("dtdhms", "d", 1.0),
        ("timeticks", "ticks", 0.01), ("clockms", "clock", 1e-3), ("clocks", "clock", 1.0),
    ):  # fmt: skip
        yield name, Unit("Time", "clock", sign, 0, factor)


_SCALED: Final = (
    ("Computation", "flops=FLOPS  mflops=FLOPS*2  gflops=FLOPS*3  tflops=FLOPS*4  pflops=FLOPS*5  eflops=FLOPS*6  zflops=FLOPS*7  yflops=FLOPS*8"),  # noqa: E501 - a table
    ("Data", "decbytes=B  decbits=b  deckbytes=B*1  decmbytes=B*2  decgbytes=B*3  dectbytes=B*4  decpbytes=B*5"),
    ("Data rate", "pps=p/s  Bps=B/s  bps=b/s  KBs=B/s*1  Kbits=b/s*1  MBs=B/s*2  Mbits=b/s*2  GBs=B/s*3  Gbits=b/s*3  TBs=B/s*4  Tbits=b/s*4  PBs=B/s*5  Pbits=b/s*5"),  # noqa: E501
    ("Energy", """watt=W  kwatt=W*1  megwatt=W*2  gwatt=W*3  mwatt=W*-1  voltamp=VA  kvoltamp=VA*1  voltampreact=VAr
        kvoltampreact=VAr*1  watth=Wh  watthperkg=Wh/kg  kwatth=Wh*1  kwattm=W-Min*1  amph=Ah  kamph=Ah*1  mamph=Ah*-1
        joule=J  ev=eV  amp=A  kamp=A*1  mamp=A*-1  volt=V  kvolt=V*1  mvolt=V*-1  dBm=dBm  ohm=Ω  kohm=Ω*1  Mohm=Ω*2
        farad=F  µfarad=F*-2  nfarad=F*-3  pfarad=F*-4  ffarad=F*-5  henry=H  mhenry=H*-1  µhenry=H*-2  lumens=Lm"""),
    ("Force", "forceNm=Nm  forcekNm=Nm*1  forceN=N  forcekN=N*1"),
    ("Hash rate", "Hs=H/s  KHs=H/s*1  MHs=H/s*2  GHs=H/s*3  THs=H/s*4  PHs=H/s*5  EHs=H/s*6"),
    ("Mass", "massmg=g*-1  massg=g  masskg=g*1"),
    ("Length", "lengthmm=m*-1  lengthm=m  lengthkm=m*1"),
    ("Pressure", "pressurembar=bar*-1  pressurebar=bar  pressurekbar=bar*1  pressurepa=Pa"),
    ("Radiation", "radbq=Bq  radci=Ci  radgy=Gy  radrad=rad  radsv=Sv  radmsv=Sv*-1  radusv=Sv*-2  radrem=rem  radexpckg=C/kg  radr=R  radsvh=Sv/h  radmsvh=Sv/h*-1  radusvh=Sv/h*-2"),  # noqa: E501
    ("Rotational speed", "rothz=Hz"),
    ("Time", "hertz=Hz"),
    ("Volume", "mlitre=L*-1  litre=L"),
)  # fmt: skip
_BINARY: Final = (
    ("Data", "bytes=B  bits=b  kbytes=B*1  mbytes=B*2  gbytes=B*3  tbytes=B*4  pbytes=B*5"),
    ("Data rate", "binBps=B/s  binbps=b/s  KiBs=B/s*1  Kibits=b/s*1  MiBs=B/s*2  Mibits=b/s*2  GiBs=B/s*3  Gibits=b/s*3  TiBs=B/s*4  Tibits=b/s*4  PiBs=B/s*5  Pibits=b/s*5  binpps=p/s"),  # noqa: E501
)  # fmt: skip
_FIXED: Final = (
    ("Misc", "none=  humidity=%H  dB=dB  pixel=px  permille=‰  candela=cd"),
    ("Acceleration", "accMS2=m/sec²  accFS2=f/sec²  accG=g"),
    ("Angle", "degree=°  radian=rad  grad=grad  arcmin=arcmin  arcsec=arcsec"),
    ("Area", "areaM2=m²  areaF2=ft²  areaMI2=mi²  acres=ac  hectares=ha"),
    ("Concentration", """ppm=ppm  conppb=ppb  conngm3=ng/m³  conngNm3=ng/Nm³  conμgm3=μg/m³  conμgNm3=μg/Nm³
        conmgm3=mg/m³  conmgNm3=mg/Nm³  congm3=g/m³  congNm3=g/Nm³  conmgdL=mg/dL  conmmolL=mmol/L"""),
    ("Energy", "Wm2=W/m²"),
    ("Flow", "flowgpm=gpm  flowcms=cms  flowcfs=cfs  flowcfm=cfm  litreh=L/h  flowlpm=L/min  flowmlpm=mL/min  lux=lux"),
    ("Mass", "masslb=lb  masst=t"),
    ("Length", "lengthin=in  lengthft=ft  lengthmi=mi"),
    ("Pressure", 'pressurehpa=hPa  pressurekpa=kPa  pressurehg="Hg'),
    ("Rotational speed", "rotrpm=rpm  rotrads=rad/s  rotdegs=°/s"),
    ("Temperature", "celsius=°C  fahrenheit=°F  kelvin=K"),
    ("Velocity", "velocityms=m/s  velocitykmh=km/h  velocitymph=mph  velocityknot=kn"),
    ("Volume", "m3=m³  Nm3=Nm³  dm3=dm³  gallons=gal"),
)  # fmt: skip
_COUNTS: Final = """cps=c/s  ops=ops/s  reqps=req/s  rps=rd/s  wps=wr/s  iops=io/s  eps=evt/s  mps=msg/s  recps=rec/s
    rowsps=rows/s  cpm=c/m  opm=ops/m  reqpm=req/m  rpm=rd/m  wpm=wr/m  epm=evts/m  mpm=msgs/m  recpm=rec/m
    rowspm=rows/m"""
_BEFORE: Final = """currencyUSD=$  currencyGBP=£  currencyEUR=€  currencyJPY=¥  currencyRUB=₽  currencyUAH=₴
    currencyBRL=R$  currencyCZK=czk  currencyCHF=CHF  currencyPLN=PLN  currencyBTC=฿  currencymBTC=mBTC
    currencyμBTC=μBTC  currencyZAR=R  currencyINR=₹  currencyKRW=₩  currencyIDR=Rp  currencyPHP=PHP  currencyAUD=A$
    currencyCAD=C$  currencyNZD=NZ$  currencyMXN=MX$  currencyILS=₪  currencyCNY=¥"""
_AFTER: Final = "currencyDKK=kr  currencyISK=kr  currencyNOK=kr  currencySEK=kr  currencyVND=đ  currencyTRY=₺"
_DATES: Final = """dateTimeAsIso=YYYY-MM-DD HH:mm:ss
    dateTimeAsIsoNoDateIfToday=today YYYY-MM-DD HH:mm:ss
    dateTimeAsUS=MM/DD/YYYY h:mm:ss a
    dateTimeAsUSNoDateIfToday=today MM/DD/YYYY h:mm:ss a
    dateTimeAsLocal=YYYY-MM-DD HH:mm:ss
    dateTimeAsLocalNoDateIfToday=today YYYY-MM-DD HH:mm:ss
    dateTimeAsSystem=YYYY-MM-DD HH:mm:ss
    dateTimeFromNow=ago"""


def _all() -> Iterator[tuple[str, Unit]]:
    for name in ("string", "short", "hex0x", "hex", "sci", "locale"):
        yield name, Unit("Misc", "special", name)
    yield "percent", Unit("Misc", "percent", "%", 0, 1.0)
    yield "percentunit", Unit("Misc", "percent", "%", 0, 100.0)
    for category, said in _FIXED:
        yield from _rows(category, "fixed", said)
    for category, said in _SCALED:
        yield from _rows(category, "si", said)
    for category, said in _BINARY:
        yield from _rows(category, "binary", said)
    yield "pressurepsi", Unit("Pressure", "scaled", "psi ksi Mpsi")
    yield from _rows("Throughput", "count", _COUNTS)
    yield from _rows("Currency", "before", _BEFORE)
    yield from _rows("Currency", "after", _AFTER)
    yield from _times()
    for entry in _DATES.splitlines():
        name, _, shape = entry.strip().partition("=")
        yield name, Unit("Date & time", "date", shape)
    for name, words in (("bool", "True False"), ("bool_yes_no", "Yes No"), ("bool_on_off", "On Off")):
        yield name, Unit("Boolean", "truth", words)


UNITS: Final[Mapping[str, Unit]] = dict(_all())
"""Every unit by its id, in the order of the table."""

ALIASES: Final[Mapping[str, str]] = {
    "": "none",
    "us": "µs",
    "μs": "µs",
    "percent (0-100)": "percent",
    "percent (0.0-1.0)": "percentunit",
    "farenheit": "fahrenheit",
    "bits/sec": "bps",
    "bytes/sec": "Bps",
    "microfarad": "µfarad",
}
"""Spellings of older dashboards."""

CUSTOM: Final[Mapping[str, str]] = {
    "prefix:": "a text before the number",
    "suffix:": "a text after the number",
    "si:": "a prefix of the SI and a unit: `si:m€`, `si: kF`",
    "count:": "a count with K, M, B and a unit",
    "currency:": "a currency sign before the number",
    "time:": "a date format",
    "bool:": "two words for true and false: `bool:up/down`",
}
"""The units that authors make up, by how they begin."""
