"""Text columns with an attribute, such as a sentiment: real texts told apart, or written anew."""

from tablewright.texts.classifier import TextClassifier
from tablewright.texts.column import TextColumn
from tablewright.texts.pool import TextPool

__all__ = ["TextClassifier", "TextColumn", "TextPool"]
