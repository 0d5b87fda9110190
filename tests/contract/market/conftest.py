"""Plain `assert` in the shared contract explains itself as in a test file."""

import pytest

pytest.register_assert_rewrite("contract.market_data_contract")
