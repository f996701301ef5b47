"""The rooms of classes: who may lead, whose replies count, and that everything in them has a bound and an end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
from app_server import Server, fake_served, save_scan, serving
from clocks import Clock
from fake_segmenter import FakeSegmentedScan
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.scan.open_scan import OpenScan
from app.tabs.learn.classroom import ROOM_PATH, VIEWED, Classroom, classroom_routes
from app.tabs.learn.code_picture import qr_rows
from app.visit.limits import JOINS, ROOM_REQUESTS, TooManyError
from app.visit.rooms import GRACE_SECONDS, HERE_SECONDS, LASTS_SECONDS, MOST_ROOMS, MOST_STUDENTS, Lead, RoomError, Rooms
from app.visit.session import SessionStore
from vqseg.data.scan import read_scan

WHERE = "10.0.0.1"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(clock: Clock) -> Rooms:
    return Rooms(clock)


def test_only_the_teachers_key_leads_and_ends_a_room(rooms: Rooms) -> None:
    code, key = rooms.open("teacher")
    student = rooms.join(code, WHERE)
    assert key not in (code, student)
    for wrong in ("", code, student, key[:-1], key + "x", "ä"):
        with pytest.raises(RoomError):
            rooms.lead(code, wrong, Lead({"step": "2"}))
        with pytest.raises(RoomError):
            rooms.end(code, wrong)
    assert rooms.news(code, student)[1] == Lead()
    rooms.lead(code, key, Lead({"step": "2"}))
    assert rooms.news(code, student)[1] == Lead({"step": "2"})
    rooms.end(code, key)
    with pytest.raises(RoomError, match="ended"):
        rooms.news(code, student)


def test_codes_are_read_aloud_and_keys_cannot_be_guessed(rooms: Rooms) -> None:
    opened = [rooms.open(f"teacher {i}") for i in range(MOST_ROOMS)]
    assert len(dict(opened)) == MOST_ROOMS
    assert all(len(code) == 6 and not set(code) & set("01OILU") for code, _ in opened)
    assert all(len(key) >= 32 for _, key in opened)
    assert rooms.join(opened[0][0].lower(), WHERE)
    assert len({rooms.join(opened[0][0], WHERE) for _ in range(50)}) == 50


def test_news_come_once_and_again_when_something_has_changed(rooms: Rooms) -> None:
    code, key = rooms.open("teacher")
    student = rooms.join(code, WHERE)
    rooms.lead(code, key, Lead({"step": "1"}))
    version, lead = rooms.news(code, student)
    assert lead == Lead({"step": "1"})
    assert rooms.news(code, student, version) == (version, None)
    rooms.lead(code, key, Lead({"step": "1"}))
    assert rooms.news(code, student, version) == (version, None)
    rooms.lead(code, key, Lead({"step": "2"}))
    assert rooms.news(code, student, version)[1] == Lead({"step": "2"})


@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["q", "r"]), st.integers(0, 3)), max_size=40))
def test_counts_are_those_of_everybodys_last_reply(given: list[tuple[int, str, int]]) -> None:
    rooms = Rooms(Clock())
    code, key = rooms.open("teacher")
    students = [rooms.join(code, WHERE) for _ in range(6)]
    expected: dict[str, dict[int, int]] = {"q": {}, "r": {}}
    for who, question, reply in given:
        try:
            assert rooms.answer(code, students[who], question, 0, {"": reply})
        except TooManyError:
            continue
        expected[question][who] = reply
    for question, last in expected.items():
        report = rooms.lead(code, key, question=question)[1]
        assert report.answered == len(last)
        assert report.counts.get("", {}) == Counter(last.values())


def test_a_question_that_is_asked_anew_or_revealed_takes_no_late_reply(rooms: Rooms) -> None:
    code, key = rooms.open("teacher")
    student = rooms.join(code, WHERE)
    assert rooms.answer(code, student, "q", 0, {"near": 1, "far": 2})
    assert rooms.replies(code, student) == {"q": {"near": 1, "far": 2}}
    rooms.lead(code, key, Lead(rounds={"q": 1}))
    assert rooms.lead(code, key, question="q")[1].answered == 0
    assert rooms.replies(code, student) == {}
    assert not rooms.answer(code, student, "q", 0, {"": 1})
    assert rooms.answer(code, student, "q", 1, {"": 3})
    rooms.lead(code, key, Lead(rounds={"q": 1}, revealed=frozenset({"q"})))
    assert not rooms.answer(code, student, "q", 1, {"": 4})
    assert rooms.lead(code, key, question="q")[1].counts == {"": {3: 1}}


def test_a_room_ends_with_the_teachers_visit_unless_she_comes_back(rooms: Rooms, clock: Clock) -> None:
    code, key = rooms.open("teacher")
    student = rooms.join(code, WHERE)
    rooms.left("somebody else")
    rooms.left("teacher")
    clock.now += GRACE_SECONDS - 1
    rooms.lead(code, key, owner="the same page, loaded again")
    clock.now += 10 * GRACE_SECONDS
    assert rooms.news(code, student)
    rooms.left("the same page, loaded again")
    clock.now += GRACE_SECONDS
    with pytest.raises(RoomError):
        rooms.lead(code, key)
    with pytest.raises(RoomError):
        rooms.news(code, student)
    with pytest.raises(RoomError):
        rooms.join(code, WHERE)
    assert len(rooms) == 1
    rooms.sweep()
    assert len(rooms) == 0


def test_a_room_ends_after_its_time_and_with_the_next_one_of_the_visit(rooms: Rooms, clock: Clock) -> None:
    first, _ = rooms.open("teacher")
    second, key = rooms.open("teacher")
    with pytest.raises(RoomError):
        rooms.join(first, WHERE)
    clock.now += LASTS_SECONDS
    with pytest.raises(RoomError):
        rooms.lead(second, key)


def test_rooms_students_and_requests_are_bounded(rooms: Rooms, clock: Clock) -> None:
    code, key = rooms.open("teacher")
    for i in range(MOST_ROOMS - 1):
        rooms.open(f"teacher {i}")
    with pytest.raises(TooManyError, match="rooms"):
        rooms.open("one more")
    students = [rooms.join(code, WHERE) for _ in range(MOST_STUDENTS)]
    with pytest.raises(TooManyError, match="full"):
        rooms.join(code, WHERE)
    for _ in range(ROOM_REQUESTS.burst):
        rooms.news(code, students[0])
    with pytest.raises(TooManyError):
        rooms.news(code, students[0])
    # Others are not slowed down, and those who have gone make room.
    rooms.news(code, students[1])
    assert rooms.lead(code, key)[1].here == MOST_STUDENTS
    clock.now += HERE_SECONDS
    rooms.news(code, students[1])
    assert rooms.lead(code, key)[1].here == 1
    clock.now += 900
    assert rooms.join(code, WHERE)


def test_somebody_who_tries_codes_is_stopped_whether_they_are_right_or_not(rooms: Rooms) -> None:
    code, _ = rooms.open("teacher")
    for _ in range(JOINS.burst):
        with pytest.raises(RoomError):
            rooms.join("AAAAAA", WHERE)
    with pytest.raises(TooManyError):
        rooms.join(code, WHERE)
    assert rooms.join(code, "10.0.0.2")


@pytest.fixture(scope="module")
def scan_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_scan(tmp_path_factory.mktemp("scans") / "heart.nii.gz")


@pytest.fixture
def store(scan_path: Path) -> SessionStore:
    return SessionStore(byte_cap=2**26)


@pytest.fixture
def token(store: SessionStore, scan_path: Path) -> str:
    return store.put(OpenScan(FakeSegmentedScan(read_scan(scan_path)), fake_served(), example="Heart"), "teacher", shared=True)


def test_a_class_belongs_to_the_visit_of_the_scan_on_show_and_ends_with_it(store: SessionStore, token: str) -> None:
    classroom = Classroom(store)
    with pytest.raises(ValueError, match="scan"):
        classroom.open({"token": "unknown"}, WHERE)
    given = classroom.open({"token": token + ".3"}, WHERE)
    store.release("teacher")
    # A page that is loaded again has another visit, and the key.
    assert classroom.lead(given, WHERE)["here"] == 0
    assert store.rooms._rooms[given["code"]].left is not None


def test_the_students_follow_what_a_link_would_say_and_neither_her_notes_nor_her_language(store: SessionStore, token: str) -> None:
    classroom = Classroom(store)
    given = classroom.open({"token": token}, WHERE)
    view = {"case": "Heart", "slice": 3, "eps": 0.4, "step": 2, "lang": "de", "large": 1, "notes": 1, "own": "x", "edits": None}
    classroom.lead({**given, "lead": {"view": view, "follows": True, "rounds": {"swap": 2}, "revealed": ["pixels"]}}, WHERE)
    student = classroom.join({"code": given["code"]}, WHERE)["student"]
    news = classroom.news({"code": given["code"], "student": student}, WHERE)
    assert news["lead"]["view"] == {"case": "Heart", "slice": "3", "eps": "0.4", "step": "2"}
    assert news["lead"] == {"view": news["lead"]["view"], "follows": True, "rounds": {"swap": 2}, "revealed": ["pixels"]}
    assert not {"lang", "large", "notes"} & set(VIEWED)


REPLIES: list[tuple[str, Any, bool]] = [
    ("pixels", 40, True),
    ("pixels", 40.5, False),
    ("pixels", "40", False),
    ("pixels", -1, False),
    ("pixels", 10**9, False),
    ("codeword", "b", True),
    ("codeword", "e", False),
    ("codeword", 1, False),
    ("swap", {"near": 1, "far": 2}, True),
    ("swap", {"near": 1}, False),
    ("swap", {"near": 1, "far": 2, "more": 3}, False),
    ("swap", 1, False),
    ("nothing", 1, False),
    ("", 1, False),
]


@pytest.mark.parametrize(("question", "reply", "fits"), REPLIES)
def test_a_reply_is_an_answer_to_its_question_or_refused(store: SessionStore, token: str, question: str, reply: Any, fits: bool) -> None:
    classroom = Classroom(store)
    given = classroom.open({"token": token}, WHERE)
    student = classroom.join({"code": given["code"]}, WHERE)["student"]
    asked = {"code": given["code"], "student": student, "question": question, "round": 0, "reply": reply}
    if not fits:
        with pytest.raises(ValueError):
            classroom.answer(asked, WHERE)
        return
    assert classroom.answer(asked, WHERE) == {"counts": True}
    report = classroom.lead({**given, "question": question}, WHERE)
    assert report["answered"] == 1
    assert report["counts"] == {part: [(value, 1)] for part, value in (reply if isinstance(reply, dict) else {"": reply}).items()}
    assert student not in str(report)
    again = classroom.join({"code": given["code"], "student": student}, WHERE)
    assert again == {"student": student, "mine": {question: reply if isinstance(reply, dict) else {"": reply}}}


def test_the_route_takes_small_objects_only(store: SessionStore) -> None:
    client = TestClient(Starlette(routes=classroom_routes(store)))
    for body in (b"", b"[]", b"{", b'{"do": "nothing"}', b'{"do": ["open"]}', b"[" * 5000, b'{"do": "lead", "code": 1}'):
        assert client.post(ROOM_PATH, content=body).status_code == 400
    assert client.post(ROOM_PATH, content=b'{"do": "open", "x": "' + b"x" * 20000 + b'"}').status_code == 400
    assert client.post(ROOM_PATH, json={"do": "join", "code": "AAAAAA"}).status_code == 404
    assert client.get(ROOM_PATH).status_code == 405


def test_a_qr_code_has_the_corners_that_readers_look_for() -> None:
    rows = qr_rows("http://192.168.1.20:7860/?tab=learn&room=K7M2QX")
    assert len(rows) == len(rows[0]) == 33
    eye = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    assert [row[:7] for row in rows[:7]] == [row[-7:] for row in rows[:7]] == [row[:7] for row in rows[-7:]] == eye
    assert qr_rows("another") != rows


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, scan_path: Path) -> Any:
    with serving(tmp_path_factory.mktemp("cache"), [scan_path], fake_served()) as server:
        yield server


def test_a_class_joins_follows_and_answers_over_http(running: Server, scan_path: Path) -> None:
    scan = OpenScan(FakeSegmentedScan(read_scan(scan_path)), fake_served(), example="Heart")
    token = running.store.put(scan, "teacher", shared=True)

    def ask(do: str, status: int = 200, **values: Any) -> Any:
        response = httpx.post(running.url + ROOM_PATH, json={"do": do, **values})
        assert response.status_code == status, response.text
        assert response.headers["cache-control"] == "no-store"
        return response.json()

    given = ask("open", token=token)
    students = [ask("join", code=given["code"])["student"] for _ in range(3)]
    lead = {"view": {"step": 2}, "follows": True, "rounds": {}, "revealed": []}
    assert ask("lead", **given, lead=lead)["here"] == 3
    for number, student in enumerate(students):
        assert ask("news", code=given["code"], student=student)["lead"]["view"] == {"step": "2"}
        ask("answer", code=given["code"], student=student, question="features", round=0, reply=number // 2)
    report = ask("lead", **given, question="features")
    assert (report["answered"], report["counts"]) == (3, {"": [[0, 2], [1, 1]]})
    assert len(ask("picture", **given, link=running.url)["rows"]) >= 21
    assert "error" in ask("picture", 404, code=given["code"], key="wrong", link=running.url)
    assert "error" in ask("lead", 404, code=given["code"], key=students[0])
    ask("end", **given)
    assert "error" in ask("news", 404, code=given["code"], student=students[0])
