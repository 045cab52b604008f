"""Rules that rows keep: one language, read from files, checked, mined and enforced."""

from tablewright.rules.bound import bind
from tablewright.rules.check import CheckReport, RuleResult, check_rules
from tablewright.rules.files import as_rules, json_schema, read_rules, read_sql, to_json, to_yaml
from tablewright.rules.language import Rules, Severity, Source
from tablewright.rules.validate import Finding, Validation, validate_rules

__all__ = [
    "CheckReport",
    "Finding",
    "RuleResult",
    "Rules",
    "Severity",
    "Source",
    "Validation",
    "as_rules",
    "bind",
    "check_rules",
    "json_schema",
    "read_rules",
    "read_sql",
    "to_json",
    "to_yaml",
    "validate_rules",
]
