import threading

from iiswsgi.runtime import running


def test_a_request_has_a_number_of_its_own_until_it_ends():
    assert running.number() is None
    first = running.begin({"a": "b"})
    assert running.number() == first
    start, number, variables = running.snapshot()[threading.get_ident()]
    assert (number, variables) == (first, {"a": "b"})
    running.end()
    assert running.number() is None
    assert running.begin({}) > first
    assert running.snapshot()[threading.get_ident()][0] >= start
    running.end()
    running.end()
    assert threading.get_ident() not in running.snapshot()


def test_each_thread_has_its_own():
    seen = []

    def work():
        seen.append(running.number())
        seen.append(running.begin({}))
        seen.append(running.number())
        running.end()

    own = running.begin({})
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert running.number() == own
    running.end()
    before, begun, number = seen
    assert before is None
    assert begun == number != own


def test_the_end_calls_back_once_and_within_the_request():
    seen = []

    def callback():
        seen.append(running.number())

    number = running.begin({})
    running.at_end(callback)
    running.at_end(callback)
    running.end()
    running.begin({})
    running.end()
    assert seen == [number]


def test_it_calls_back_before_the_last_bytes_leave_and_not_again():
    seen = []
    running.begin({})
    running.at_end(lambda: seen.append("callback"))
    running.ending()
    assert seen == ["callback"]
    running.end()
    assert seen == ["callback"]


def test_without_a_request_there_is_no_end():
    running.at_end(lambda: 1 / 0)
    running.begin({})
    running.end()
