"""The Responses API over a WebSocket: messages that each ask for a response, in lanes, first in, first out.

    client sends                 what happens
    response.create              a call, as if it were posted; its events come back as messages
      stream_id                  which lane: lanes go side by side, a lane takes one at a time
      generate: false            the conversation is remembered, no model is asked
      previous_response_id       what the connection remembers, else what is stored
    response.steer               response.steer.failed: a response under way takes no more input here
    anything else                an event `error`; the socket stays open

Source: https://developers.openai.com/api/docs/guides/websocket-mode
Not here: frames (`edge.server.websocket`), and what a call does (`pipeline`).
"""

from asbru.edge.lanes.lanes import Lanes

__all__ = ["Lanes"]
