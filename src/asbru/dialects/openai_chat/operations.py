"""What can be asked in this dialect: chat, and what is only passed through, completions and embeddings.

Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from asbru.dialects.contract import Codec, Operation
from asbru.dialects.openai_chat.head import read_completions_head, read_head
from asbru.dialects.openai_chat.media_events import events_of
from asbru.dialects.openai_chat.media_head import (
    charge_characters,
    charge_images,
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
from asbru.dialects.openai_chat.stream import ChatStreamReader
from asbru.dialects.openai_chat.stream_writer import ChatStreamWriter
from asbru.dialects.openai_chat.texts import texts_in

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=ChatStreamReader,
    stream_writer=ChatStreamWriter,
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
    ),
    Operation(
        name="embeddings",
        surface="embeddings",
        routes=("/embeddings",),
        path="/embeddings",
        read_head=read_head,
        speaks=False,
        texts=texts_in("input"),
    ),
    Operation(
        name="images",
        surface="images",
        routes=("/images/generations",),
        path="/images/generations",
        read_head=read_media_head,
        streams=True,
        speaks=False,
        texts=texts_in("prompt"),
        usage_of=image_usage,
        charge=charge_images,
        output_tokens_max=image_tokens_max,
        read_events=events_of("image"),
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
    ),
    Operation(
        name="speech",
        surface="speech",
        routes=("/audio/speech",),
        path="/audio/speech",
        read_head=read_speech_head,
        streams=True,
        speaks=False,
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
        read_head=read_media_head,
        read_form=read_form_head,
        takes="form",
        gives="text",
        streams=True,
        form_texts=("prompt",),
        usage_of=transcription_usage,
        read_events=events_of("text"),
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
    ),
)
