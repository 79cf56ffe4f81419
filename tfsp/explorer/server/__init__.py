"""The page of a run served to this machine alone, with a button that has the model learn.

`serving.serve` is what `tfsp explore --serve` runs. Starlette and uvicorn come with the extra
`explorer`.

    serving      the server itself
    guard        who may ask
    application  what is answered
    jobs         one refinement at a time, in a process of its own
"""

__all__ = []
