"""What the mock answers where no model speaks: moderations and rerank, both by the words of the texts alone, and OCR,
which tells what document it was given.

Not here: embeddings, which are read like prompts (`openai_wire.py`).
"""

from __future__ import annotations

from typing import Any

import msgspec

from asbru.providers.mock.prompt import Object, Refusal, as_list, as_object, count_words, decode
from asbru.providers.mock.script import fingerprint

FLAGGED_WORD = "violence"
"""A text that holds it is flagged."""


class _ModerationBody(msgspec.Struct):
    input: Any
    model: str = "moderate"


class _RerankBody(msgspec.Struct):
    model: str
    query: str
    documents: list[str | dict[str, Any]]
    top_n: int | None = None
    return_documents: bool = False


class _OcrBody(msgspec.Struct):
    model: str
    document: Object
    pages: list[int] | None = None


def moderate(body: bytes) -> bytes:
    """The answer to a moderation: a result for each text."""
    asked = decode(body, _ModerationBody)
    if asked.model not in ("moderate", "omni-moderation-latest"):
        raise Refusal(404, f"The model `{asked.model}` does not moderate: use moderate", code="model_not_found")
    texts = [asked.input] if isinstance(asked.input, str) else as_list(asked.input)
    if not texts:
        raise Refusal(400, "`input` is empty: a string or a list of strings is needed")
    results: list[Object] = []
    for text in texts:
        flagged = FLAGGED_WORD in str(text).lower()
        results.append(
            {
                "flagged": flagged,
                "categories": {"violence": flagged},
                "category_scores": {"violence": 0.99 if flagged else 0.01},
            }
        )
    answer = {"id": f"modr-{fingerprint(body)}", "model": asked.model, "results": results}
    return msgspec.json.encode(answer)


def rerank(body: bytes) -> bytes:
    """The answer to a rerank: documents by the part of the query's words that they hold."""
    asked = decode(body, _RerankBody)
    if asked.model != "rank":
        raise Refusal(404, f"The model `{asked.model}` does not rank: use rank", code="model_not_found")
    if not asked.documents:
        raise Refusal(400, "`documents` is empty: a list of strings or objects is needed")
    words = set(asked.query.lower().split())
    texts = [document if isinstance(document, str) else str(document.get("text", "")) for document in asked.documents]
    scores = [len(words & set(text.lower().split())) / max(1, len(words)) for text in texts]
    order = sorted(range(len(texts)), key=lambda index: -scores[index])[: asked.top_n]
    results: list[Object] = [{"index": index, "relevance_score": scores[index]} for index in order]
    if asked.return_documents:
        for result, index in zip(results, order, strict=True):
            result["document"] = {"text": texts[index]}
    tokens = sum(count_words(text) for text in (asked.query, *texts))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    answer = {"id": f"rank-{fingerprint(body)}", "model": asked.model, "results": results, "usage": usage}
    return msgspec.json.encode(answer)


def read_document(body: bytes) -> bytes:
    """The answer to OCR: a page for each that is asked for, otherwise one, which names the document."""
    asked = decode(body, _OcrBody)
    if asked.model != "read":
        raise Refusal(404, f"The model `{asked.model}` does not read documents: use read", code="model_not_found")
    place = as_object(asked.document.get("image_url")).get("url") or next(
        (asked.document[name] for name in ("document_url", "image_url", "file_id") if asked.document.get(name)), ""
    )
    if not isinstance(place, str) or not place:
        raise Refusal(400, "`document` names nothing: `document_url`, `image_url` or `file_id` is needed")
    name = place[5:].partition(";")[0] if place.startswith("data:") else place
    numbers = asked.pages if asked.pages else [0]
    dimensions = {"dpi": 72, "height": 842, "width": 595}
    pages: list[Object] = [
        {"index": number, "markdown": f"# Page {number + 1}\n\n{name}", "images": [], "dimensions": dimensions}
        for number in numbers
    ]
    usage = {"pages_processed": len(pages), "doc_size_bytes": len(place)}
    return msgspec.json.encode({"pages": pages, "model": asked.model, "usage_info": usage})
