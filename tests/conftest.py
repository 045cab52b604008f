"""What all tests share."""

from hypothesis import settings

# A busy machine is no reason to fail: no test here is about time. The same code is judged alike
# each time it is checked; `pytest -m hypothesis --hypothesis-profile=search` looks for new cases.
settings.register_profile("search", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
