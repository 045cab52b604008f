"""Text columns with an attribute, such as a sentiment: real texts told apart, or written anew."""

from tablewright.systems.htdbu.texts.classifier import TextClassifier
from tablewright.systems.htdbu.texts.column import TextColumn
from tablewright.systems.htdbu.texts.pool import TextPool

__all__ = ["TextClassifier", "TextColumn", "TextPool"]
