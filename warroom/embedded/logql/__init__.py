"""LogQL: its grammar, and its evaluation over a `LogStore`.

Regular expressions of queries are matched by RE2 (see `regex`), so no query can hold the process up.
"""

from warroom.embedded.logql.engine import LogQL, QueryLimits
from warroom.embedded.logql.errors import LogqlError

__all__ = ["LogQL", "LogqlError", "QueryLimits"]
