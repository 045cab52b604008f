"""Language models: any OpenAI-compatible endpoint, every call accounted for."""

from tablewright.llm.endpoint.base import LLM, AsyncLLM, Message, Prompt, Reply, Usage, complete_all
from tablewright.llm.endpoint.client import Client
from tablewright.llm.endpoint.connect import connect
from tablewright.llm.endpoint.scripted import Scripted
from tablewright.llm.prompts.sharing import Sharing
from tablewright.llm.rows.parser import parse_rows
from tablewright.llm.rows.requests import RowsWritten, request_rows
from tablewright.llm.rows.task import RowTask, row_prompt

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
