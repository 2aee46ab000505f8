"""What can be asked in this dialect: chat, and what is no chat.

Rerank and OCR are not OpenAI's own: providers that speak its dialect offer them beside it, rerank as Jina, Cohere and
Together have it, OCR as Mistral has it.

Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from asbru.dialects.contract import Codec, Operation
from asbru.dialects.openai_chat import (
    completions,
    embeddings,
    images,
    moderations,
    rerank,
    speech,
    transcript,
    transcriptions,
)
from asbru.dialects.openai_chat.head import read_completions_head, read_head, read_moderations_head
from asbru.dialects.openai_chat.media_events import events_of
from asbru.dialects.openai_chat.media_head import (
    charge_characters,
    charge_images,
    heard_seconds_max,
    image_tokens_max,
    read_form_head,
    read_media_head,
    read_speech_head,
    speech_tokens_max,
)
from asbru.dialects.openai_chat.media_usage import image_usage, transcription_usage
from asbru.dialects.openai_chat.request import read_request
from asbru.dialects.openai_chat.request_body import without, write_request
from asbru.dialects.openai_chat.response import read_reply, write_reply
from asbru.dialects.openai_chat.stored import STORED_OPERATIONS
from asbru.dialects.openai_chat.stream import ChatStreamReader
from asbru.dialects.openai_chat.stream_writer import ChatStreamWriter
from asbru.dialects.openai_chat.unit_usage import ocr_pages_max, ocr_usage, rerank_usage
from asbru.dialects.searches import searches_max
from asbru.dialects.spoken import Spoken, spoken_at
from asbru.dialects.texts import NO_TEXTS, texts_in

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=ChatStreamReader,
    stream_writer=ChatStreamWriter,
)

_OCR = Spoken(
    read=spoken_at(
        *("pages.*.markdown", "pages.*.header", "pages.*.footer", "pages.*.tables.*.content", "document_annotation"),
        "pages.*.images.*.image_annotation",
    )
)

OPERATIONS = (
    Operation(
        name="chat",
        surface="chat",
        routes=("/chat/completions",),
        path="/chat/completions",
        read_head=read_head,
        streams=True,
        codec=CODEC,
    ),
    Operation(
        name="completions",
        surface="completions",
        routes=("/completions",),
        path="/completions",
        read_head=read_completions_head,
        streams=True,
        texts=texts_in("prompt", "suffix"),
        spoken=completions.SPOKEN,
    ),
    Operation(
        name="embeddings",
        surface="embeddings",
        routes=("/embeddings",),
        path="/embeddings",
        read_head=read_head,
        speaks=False,
        shape=embeddings.SHAPE,
        texts=texts_in("input"),
    ),
    *STORED_OPERATIONS,
    Operation(
        name="moderations",
        surface="moderations",
        routes=("/moderations",),
        path="/moderations",
        read_head=read_moderations_head,
        speaks=False,
        shape=moderations.SHAPE,
        texts=texts_in("input"),
    ),
    Operation(
        name="rerank",
        surface="rerank",
        routes=("/rerank",),
        bare_routes=("/rerank",),
        path="/rerank",
        read_head=read_head,
        speaks=False,
        shape=rerank.SHAPE,
        texts=texts_in("query", "documents"),
        usage_of=rerank_usage,
        units_max=searches_max,
    ),
    Operation(
        name="ocr",
        surface="ocr",
        routes=("/ocr",),
        path="/ocr",
        read_head=read_head,
        speaks=False,
        texts=NO_TEXTS,
        usage_of=ocr_usage,
        units_max=ocr_pages_max,
        by_token=False,
        spoken=_OCR,
    ),
    Operation(
        name="images",
        surface="images",
        routes=("/images/generations",),
        path="/images/generations",
        read_head=read_media_head,
        streams=True,
        speaks=False,
        shape=images.SHAPE,
        texts=texts_in("prompt"),
        usage_of=image_usage,
        charge=charge_images,
        output_tokens_max=image_tokens_max,
        read_events=events_of("image"),
        spoken=images.SPOKEN,
    ),
    Operation(
        name="image_edits",
        surface="image_edits",
        routes=("/images/edits",),
        path="/images/edits",
        read_head=read_media_head,
        read_form=read_form_head,
        takes="json_or_form",
        streams=True,
        speaks=False,
        texts=texts_in("prompt"),
        form_texts=("prompt",),
        usage_of=image_usage,
        charge=charge_images,
        output_tokens_max=image_tokens_max,
        read_events=events_of("image"),
        spoken=images.SPOKEN,
    ),
    Operation(
        name="image_variations",
        surface="image_variations",
        routes=("/images/variations",),
        path="/images/variations",
        read_head=read_media_head,
        read_form=read_form_head,
        takes="form",
        speaks=False,
        usage_of=image_usage,
        charge=charge_images,
        output_tokens_max=image_tokens_max,
        texts=NO_TEXTS,
    ),
    Operation(
        name="speech",
        surface="speech",
        routes=("/audio/speech",),
        path="/audio/speech",
        read_head=read_speech_head,
        streams=True,
        speaks=False,
        shape=speech.SHAPE,
        texts=texts_in("input", "instructions"),
        gives="bytes",
        charge=charge_characters,
        output_tokens_max=speech_tokens_max,
        read_events=events_of("audio"),
    ),
    Operation(
        name="transcriptions",
        surface="transcriptions",
        routes=("/audio/transcriptions",),
        path="/audio/transcriptions",
        shape=transcriptions.SHAPE,
        read_head=read_media_head,
        read_form=read_form_head,
        takes="form",
        gives="text",
        streams=True,
        form_texts=("prompt",),
        usage_of=transcription_usage,
        units_max=heard_seconds_max,
        read_events=events_of("text"),
        spoken=transcript.SPOKEN,
    ),
    Operation(
        name="translations",
        surface="translations",
        routes=("/audio/translations",),
        path="/audio/translations",
        read_head=read_media_head,
        read_form=read_form_head,
        takes="form",
        gives="text",
        form_texts=("prompt",),
        usage_of=transcription_usage,
        units_max=heard_seconds_max,
        spoken=transcript.TRANSLATED,
    ),
)
