"""The benchmark of code mode: the same tasks with all tools in the context of a model, and with four in their place.

servers.toml, tables, store, tools, serve   the tool servers, with real state behind each tool
task, tasks, questions, changes, copies     what is to be done, and what is true of the servers afterwards
head, model                                 the scripted model: it goes by its context, and gives up otherwise
tokens                                      input and output tokens, and what they cost
doors, direct, conversations, rounds        the gateway, the conversations, the figures
"""
