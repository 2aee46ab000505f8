"""The library's data as its one list: reading a literal of 1.6 MB takes the type checker most of a minute."""

from genai_prices.types import Provider

providers: list[Provider]
