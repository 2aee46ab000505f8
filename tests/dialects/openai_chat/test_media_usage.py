"""Usage of images, speech and transcription, in disjoint buckets and units."""

from __future__ import annotations

import json

import pytest

from asbru.core.usage import Usage
from asbru.dialects.openai_chat.media_usage import image_usage, transcription_usage

IMAGE = {
    "input_tokens": 60,
    "output_tokens": 4160,
    "total_tokens": 4220,
    "input_tokens_details": {"text_tokens": 20, "image_tokens": 40},
}
HEARD = {
    "type": "tokens",
    "input_tokens": 114,
    "output_tokens": 45,
    "total_tokens": 159,
    "input_token_details": {"text_tokens": 14, "audio_tokens": 100},
}
IMAGES = {
    "tokens": ({"usage": IMAGE}, Usage(input=20, image_input=40, image_output=4160, reasoning_known=False)),
    "text and images": (
        {"usage": {**IMAGE, "output_tokens_details": {"text_tokens": 160, "image_tokens": 4000}}},
        Usage(input=20, image_input=40, output=160, image_output=4000, reasoning_known=False),
    ),
    "cached": (
        {"usage": {**IMAGE, "input_tokens_details": {"image_tokens": 40, "cached_tokens": 5}}},
        Usage(input=15, cache_read=5, image_input=40, image_output=4160, reasoning_known=False),
    ),
    "details above their total": (
        {"usage": {"input_tokens": 5, "output_tokens": 1, "input_tokens_details": {"image_tokens": 9}}},
        Usage(image_input=5, image_output=1, reasoning_known=False),
    ),
    "no usage": ({}, Usage(units=(("image", 2),))),
    "null": ({"usage": None}, Usage(units=(("image", 2),))),
    "usage of another kind": ({"usage": {"cost_in_usd_ticks": 7}}, Usage(units=(("image", 2),))),
    "zeros": ({"usage": {"input_tokens": 0, "output_tokens": 0}}, Usage(units=(("image", 2),))),
    "malformed usage": ({"usage": {"input_tokens": "many"}}, Usage(units=(("image", 2),))),
}


@pytest.mark.parametrize("what", IMAGES)
def test_usage_of_images(what: str) -> None:
    """Tokens where they are told, else the images that came; wherever the usage stands."""
    told, wanted = IMAGES[what]
    images = {"created": 1, "data": [{"b64_json": 'QQ=="usage"'}, {"url": "https://x"}]}
    assert image_usage(json.dumps({**images, **told}).encode()) == wanted
    assert image_usage(json.dumps({**told, **images}).encode()) == wanted


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}", b'{"data":[]}', b'{"usage":'])
def test_no_images(body: bytes) -> None:
    """Nothing is known of what is no list of images."""
    assert image_usage(body) is None


HEARINGS = {
    "tokens": ({"usage": HEARD}, Usage(input=14, audio_input=100, output=45, reasoning_known=False)),
    "duration": ({"usage": {"type": "duration", "seconds": 12.2}}, Usage(units=(("second", 13),))),
    "whole seconds": ({"usage": {"type": "duration", "seconds": 12}}, Usage(units=(("second", 12),))),
    "tokens and seconds": (
        {"usage": {"prompt_audio_seconds": 203, "prompt_tokens": 4, "completion_tokens": 635}},
        Usage(input=4, output=635, reasoning_known=False, units=(("second", 203),)),
    ),
    "a verbose reply": ({"duration": 8.47}, Usage(units=(("second", 9),))),
    "a duration as text": ({"duration": "8.47"}, Usage(units=(("second", 9),))),
    "nonsense": ({"duration": "long"}, None),
    "no duration": ({"duration": -1}, None),
    "endless": ({"duration": 1e300}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("what", HEARINGS)
def test_usage_of_a_transcription(what: str) -> None:
    """Tokens, seconds, or both, as the provider counts."""
    told, wanted = HEARINGS[what]
    found = transcription_usage(json.dumps({"text": "hi", **told}).encode())
    assert found == wanted


def test_a_transcript_that_is_no_json() -> None:
    """Tells nothing."""
    assert transcription_usage(b"1\n00:00:00,000 --> 00:00:01,000\nhi\n") is None
