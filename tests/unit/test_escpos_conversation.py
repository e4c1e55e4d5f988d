"""What the driver says and holds back, against a line that answers at once."""

from threading import Event

from drivers.ports.printer import Confirmed, NotStarted, Sent, Trouble, Unknown
from drivers.printer import escpos
from drivers.printer.conversation import Conversation, Patience, Proof

HEALTHY, NO_PAPER = 0x12, 0x72
PATIENCE = Patience(answer_s=1.0, status_s=0.5, probe_s=0.2)
JOB = [b"\x1b@", b"first\n", b"second\n", b"third\n"]


class AnsweringLine:
    """A line whose far end answers each question as it is written.

    `paper` gives the answers to DLE EOT 4 from the first byte of the job on; the last one stays.
    """

    def __init__(
        self,
        *,
        paper: list[int],
        knows: Proof = Proof.PROCESS_ID,
        quirk: bytes = b"",
        drag_s: float = 0,
    ) -> None:
        self.said: list[bytes] = []
        self._paper = paper
        self._knows = knows
        self._quirk = quirk
        self._drag_s = drag_s
        self._answers = b""
        self.trouble = False

    def open(self) -> None:
        self.said.clear()

    def writable(self, wait_s: float) -> bool:
        return True

    def write(self, data: bytes) -> None:
        self.said.append(data)
        if data.startswith(b"piece"):
            Event().wait(self._drag_s)  # a slow line
        if data[:2] == b"\x10\x04":
            started = any(piece in self.said for piece in JOB)
            last = self._paper.pop(0) if len(self._paper) > 1 else self._paper[0]
            self._answers += self._quirk
            paper = (started or self.trouble) and data[2] == 4
            last = NO_PAPER if self.trouble else last
            self._answers += bytes((last if paper else HEALTHY,))
            if not paper:
                self._paper.insert(0, last)
        elif data.startswith(b"\x1d(H") and self._knows is Proof.PROCESS_ID:
            self._answers += b"\x37\x22" + data[7:] + b"\x00"
        elif data == escpos.PAPER_IN_ORDER and self._knows is not Proof.NONE:
            self._answers += b"\x00"

    def read(self, wait_s: float) -> bytes:
        answers, self._answers = self._answers, b""
        if not answers:
            Event().wait(wait_s)
        return answers

    def close(self) -> None:
        pass


def talk(line: AnsweringLine, *, known: Proof | None = None, job: int = 5) -> object:
    conversation = Conversation(line, patience=PATIENCE, stop=Event())
    return conversation.print(JOB, job=job, known=known).outcome


def test_nothing_of_the_job_is_said_before_status_and_fence_are_answered() -> None:
    line = AnsweringLine(paper=[HEALTHY])
    assert isinstance(talk(line), Confirmed)
    first = line.said.index(JOB[0])
    assert line.said[:first] == [
        *(escpos.ask(n) for n in (1, 2, 3, 4)),
        escpos.PAPER_IN_ORDER,
        escpos.request_process_id(escpos.process_id(5, fence=True)),
        escpos.AUTO_STATUS_ON,
        escpos.ask(2),
    ]


def test_after_a_doubt_a_picture_is_filled_up_before_anything_in_order_is_asked() -> None:
    line = AnsweringLine(paper=[HEALTHY])
    conversation = Conversation(line, patience=PATIENCE, stop=Event())
    conversation.print(JOB, job=5, known=None, after_doubt=True)
    asked = [escpos.ask(n) for n in (1, 2, 3, 4)]
    fence = line.said.index(escpos.PAPER_IN_ORDER)
    assert line.said[:4] == asked
    assert b"".join(line.said[4:fence]) == escpos.RESYNC == bytes(3464)


def test_a_printer_in_trouble_is_not_filled_up() -> None:
    line = AnsweringLine(paper=[HEALTHY])
    line.trouble = True
    conversation = Conversation(line, patience=PATIENCE, stop=Event())
    end = conversation.print(JOB, job=5, known=None, after_doubt=True)
    assert end.outcome == NotStarted(trouble=Trouble.PAPER_OUT)
    assert set(line.said) == {escpos.ask(n) for n in (1, 2, 3, 4)}


def test_the_proof_is_asked_for_behind_the_last_byte_and_status_after_it() -> None:
    line = AnsweringLine(paper=[HEALTHY])
    talk(line, known=Proof.PROCESS_ID)
    request = line.said.index(escpos.request_process_id(escpos.process_id(5)))
    assert request > line.said.index(JOB[-1])
    assert [escpos.ask(n) in line.said[request:] for n in (1, 2, 3, 4)] == [True] * 4


def test_paper_that_is_out_when_the_proof_comes_makes_it_unknown() -> None:
    line = AnsweringLine(paper=[NO_PAPER])
    outcome = talk(line, known=Proof.PROCESS_ID)
    assert outcome == Unknown(reason="answered, then paper_out")


def test_while_paper_is_out_nothing_more_is_said_and_then_the_rest() -> None:
    line = AnsweringLine(paper=[NO_PAPER, NO_PAPER, HEALTHY], knows=Proof.NONE, drag_s=0.45)
    pieces = [b"piece %d\n" % n for n in range(6)]
    conversation = Conversation(line, patience=PATIENCE, stop=Event())
    end = conversation.print([JOB[0], *pieces], job=1, known=Proof.NONE)
    assert end.outcome == Sent()
    asked = [at for at, said in enumerate(line.said) if said == escpos.ask(4)]
    told, mended = asked[1], asked[3]  # the first was asked before the job
    during = [said for said in line.said[told:mended] if said in pieces]
    assert len(during) <= 1  # one is under way when the answer comes
    assert [said for said in line.said if said in pieces] == pieces
    assert len(pieces) - pieces.index(during[-1] if during else pieces[0]) > 1


def test_a_stray_status_before_each_answer_changes_nothing() -> None:
    line = AnsweringLine(paper=[HEALTHY], quirk=b"\x10\x00\x00\x0f")
    assert isinstance(talk(line), Confirmed)


def test_a_stopped_conversation_before_the_first_byte_has_not_started() -> None:
    stop = Event()
    stop.set()
    conversation = Conversation(AnsweringLine(paper=[HEALTHY]), patience=PATIENCE, stop=stop)
    end = conversation.print(JOB, job=1, known=None)
    assert end.outcome == NotStarted(trouble=Trouble.OFFLINE)
