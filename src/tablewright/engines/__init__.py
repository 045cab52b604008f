"""Tables beyond one process: parts that any engine writes."""

from tablewright.engines.base import Engine
from tablewright.engines.writing import WrittenFolder, write_parts

__all__ = ["Engine", "WrittenFolder", "write_parts"]
