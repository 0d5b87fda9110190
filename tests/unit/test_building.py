"""Pydantic classes that are built when they are first used: by one thread, with the names that whoever uses them knows."""

import importlib
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import requires
from typing import Any

import pytest
from fakes.waiting import until
from packaging.requirements import Requirement
from pydantic import BaseModel
from pydantic_core import core_schema

from crew.agents.building import finish_bases, one_at_a_time


@pytest.fixture(autouse=True)
def _one_at_a_time() -> None:
    """As every process that runs the crew does."""
    one_at_a_time()


def test_a_class_is_built_once_while_others_wait_for_it() -> None:
    """Whoever comes while a class is being built gets an instance all the same, and does not begin anew."""
    builds, begun, may_go_on = list[int](), threading.Event(), threading.Event()

    class Slow:
        """A type that takes its time to be understood."""

        @classmethod
        def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
            builds.append(1)
            begun.set()
            assert may_go_on.wait(30)
            return core_schema.any_schema()

    class Late(BaseModel, defer_build=True):
        value: Slow

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(Late, value=1)
        assert begun.wait(30)
        others = [pool.submit(Late, value=number) for number in (2, 3, 4)]
        until(lambda: all(other.running() for other in others))
        assert not others[0].done()
        may_go_on.set()
        values = [made.result(30).value for made in (first, *others)]

    assert values == [1, 2, 3, 4]
    assert builds == [1]


def test_names_are_found_where_the_class_is_finished() -> None:
    """A type that is defined later, in a function, is found by whoever finishes the class there, asked for or by first use."""

    class Asked(BaseModel):
        part: "Part"

    class Used(BaseModel):
        part: "Part"

    class Part(BaseModel):
        size: int

    assert Asked.model_rebuild() is True
    assert Asked.model_rebuild() is None
    assert Asked(part={"size": "1"}).part.size == Used(part={"size": "1"}).part.size == 1


@pytest.mark.parametrize("library", ["openai", "anthropic"])
def test_the_bases_of_the_libraries_are_finished(library: str) -> None:
    """What a library derives its classes from is built before they are used, so that none of them falls back on pydantic's."""
    base = importlib.import_module(library).BaseModel
    finish_bases()

    assert base.__pydantic_complete__


def test_it_is_still_needed() -> None:
    """Once CrewAI allows the pydantic that does this by itself, `crew/agents/building.py` can go."""
    (allowed,) = (Requirement(line).specifier for line in requires("crewai") or () if Requirement(line).name == "pydantic")

    assert "2.14.0" not in allowed
