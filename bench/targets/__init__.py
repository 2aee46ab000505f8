"""What is measured, one file each; `TARGETS` lists them in the order of the table.

A target installs what it needs, starts "as its users run it", and says how it is asked. It refuses nothing in
silence: what cannot run here raises AbsentError with the reason.
"""

from bench.targets.asbru import Asbru
from bench.targets.asbru_governed import AsbruGoverned
from bench.targets.asbru_traced import AsbruTraced
from bench.targets.contract import Profile, Route, Running, Target
from bench.targets.direct import Direct
from bench.targets.envoy import Envoy
from bench.targets.litellm import LiteLLM
from bench.targets.nginx import Nginx
from bench.targets.portkey import Portkey
from bench.targets.uvicorn_aiohttp import UvicornAiohttp

TARGETS: dict[str, type[Target]] = {
    "direct": Direct,
    "asbru": Asbru,
    "asbru_governed": AsbruGoverned,
    "asbru_traced": AsbruTraced,
    "nginx": Nginx,
    "envoy": Envoy,
    "uvicorn_aiohttp": UvicornAiohttp,
    "litellm": LiteLLM,
    "portkey": Portkey,
}

__all__ = ["TARGETS", "Profile", "Route", "Running", "Target"]
