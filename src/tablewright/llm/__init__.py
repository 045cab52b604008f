"""Language models: any OpenAI-compatible endpoint, every call accounted for."""

from tablewright.llm.base import LLM, AsyncLLM, Message, Prompt, Reply, Usage, complete_all
from tablewright.llm.client import Client
from tablewright.llm.connect import connect
from tablewright.llm.row_parser import parse_rows
from tablewright.llm.row_requests import RowsWritten, request_rows
from tablewright.llm.row_task import RowTask, row_prompt
from tablewright.llm.scripted import Scripted
from tablewright.llm.sharing import Sharing

__all__ = [
    "LLM",
    "AsyncLLM",
    "Client",
    "Message",
    "Prompt",
    "Reply",
    "RowTask",
    "RowsWritten",
    "Scripted",
    "Sharing",
    "Usage",
    "complete_all",
    "connect",
    "parse_rows",
    "request_rows",
    "row_prompt",
]
