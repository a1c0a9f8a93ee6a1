"""Maps attributes of other conventions to the names that HALO reads.

The exporter's own attributes stay; HALO's names are added (docs/protocol.md#trace-files). Conventions: OpenTelemetry
for generative AI (``gen_ai.*``), OpenLLMetry, Vercel's AI SDK and Langfuse.
"""

from __future__ import annotations

from typing import Any, Final

Json = dict[str, Any]

_KIND: Final = "openinference.span.kind"
_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "agent.name": ("gen_ai.agent.name",),
    "llm.model_name": ("gen_ai.request.model", "gen_ai.response.model", "ai.model.id"),
    "llm.provider": ("gen_ai.provider.name", "gen_ai.system", "ai.model.provider"),
    "llm.token_count.prompt": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.usage.prompt_tokens",
        "ai.usage.promptTokens",
        "ai.usage.inputTokens",
    ),
    "llm.token_count.completion": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.usage.completion_tokens",
        "ai.usage.completionTokens",
        "ai.usage.outputTokens",
    ),
    "llm.token_count.total": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "ai.usage.totalTokens"),
    "llm.token_count.prompt_details.cache_read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "ai.usage.cachedInputTokens",
    ),
    "inference.llm.cost.total": ("llm.cost.total", "gen_ai.usage.cost"),
    "tool.name": ("gen_ai.tool.name", "ai.toolCall.name"),
    "input.value": (
        "gen_ai.tool.call.arguments",
        "gen_ai.input.messages",
        "traceloop.entity.input",
        "ai.toolCall.args",
        "ai.prompt.messages",
        "ai.prompt",
        "langfuse.observation.input",
    ),
    "output.value": (
        "gen_ai.tool.call.result",
        "gen_ai.output.messages",
        "traceloop.entity.output",
        "ai.toolCall.result",
        "ai.response.text",
        "langfuse.observation.output",
    ),
    "session.id": ("gen_ai.conversation.id", "langfuse.session.id"),
    "user.id": ("langfuse.user.id", "enduser.id"),
}
_KINDS: Final[dict[str, dict[str, str]]] = {
    "gen_ai.operation.name": {
        "chat": "LLM",
        "text_completion": "LLM",
        "generate_content": "LLM",
        "embeddings": "EMBEDDING",
        "execute_tool": "TOOL",
        "retrieval": "RETRIEVER",
        "create_agent": "AGENT",
        "invoke_agent": "AGENT",
        "invoke_workflow": "CHAIN",
    },
    "traceloop.span.kind": {"workflow": "CHAIN", "task": "CHAIN", "agent": "AGENT", "tool": "TOOL"},
    "llm.request.type": {"chat": "LLM", "completion": "LLM", "embedding": "EMBEDDING", "rerank": "RERANKER"},
    "ai.operationId": {
        "ai.generateText.doGenerate": "LLM",
        "ai.streamText.doStream": "LLM",
        "ai.generateObject.doGenerate": "LLM",
        "ai.streamObject.doStream": "LLM",
        "ai.embed.doEmbed": "EMBEDDING",
        "ai.embedMany.doEmbed": "EMBEDDING",
        "ai.toolCall": "TOOL",
    },
    "langfuse.observation.type": {
        "generation": "LLM",
        "embedding": "EMBEDDING",
        "agent": "AGENT",
        "tool": "TOOL",
        "chain": "CHAIN",
        "retriever": "RETRIEVER",
        "guardrail": "GUARDRAIL",
        "evaluator": "EVALUATOR",
    },
}
_OTHERS: Final = frozenset(name for names in _NAMES.values() for name in names) | _KINDS.keys()


def add_halo_names(span: Json) -> bool:
    """Add missing attributes under HALO's names, and an event's error message; return whether any was added."""
    attributes, status = span["attributes"], span["status"]
    has_more = not _OTHERS.isdisjoint(attributes)
    if has_more:
        _add_names(attributes)
        if _KIND not in attributes:
            _add_kind(attributes)
    if status["code"] == "STATUS_CODE_ERROR" and span.get("events") and not status.get("message"):
        status["message"] = _exception_message(span["events"])
        return True
    return has_more


def _add_names(attributes: Json) -> None:
    for name, others in _NAMES.items():
        if name not in attributes:
            found = next((attributes[other] for other in others if attributes.get(other) not in (None, "")), None)
            if found is not None:
                attributes[name] = found


def _add_kind(attributes: Json) -> None:
    for name, kinds in _KINDS.items():
        value = attributes.get(name)
        if isinstance(value, str) and (kind := kinds.get(value)):
            attributes[_KIND] = kind
            return


def _exception_message(events: object) -> str:
    """Return the message of the last exception among a span's events."""
    for event in reversed(events if isinstance(events, list) else []):
        held = event.get("attributes") if isinstance(event, dict) else None
        if isinstance(held, dict):
            said = held.get("exception.message") or held.get("exception.type")
            if isinstance(said, str):
                return said
    return ""
