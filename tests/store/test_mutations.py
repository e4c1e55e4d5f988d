"""Each safety rule, switched off once in a copy of the product, is noticed by its scene.

Nothing is patched at run time: the packages are copied, one file of the copy is changed as text,
and the scene runs in a process of its own against the copy (`tests/scenarios/rules.py`).
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from redeemers import KIT, ROOT

SCENES = ROOT / "tests" / "scenarios" / "rules.py"
PACKAGES = ("edge", "sync", "drivers", "config")


@dataclass(frozen=True, slots=True)
class Mutation:
    """`old` stands exactly once in `file` and becomes `new`; `scene` must notice."""

    attack: int
    scene: str
    file: str
    old: str
    new: str

    @property
    def name(self) -> str:
        return f"{self.attack}-{self.scene}-{Path(self.file).stem}"


LEDGER = "edge/store/ledger.py"
LEDGER_SQL = "edge/store/migrations/0001_ledger.sql"
PICKUP = "edge/domain/pickup.py"
REDEEM = "edge/flow/redeem.py"
SERVE = "edge/flow/serve.py"
UNDO = "edge/flow/undo.py"
TX = "edge/store/tx.py"
WITNESS = "edge/domain/witness.py"
STOCK_SQL = "edge/store/queries/stock.sql"
RIGHTS = "sync/rules/rights.py"
ROTATING = "edge/flow/rotating.py"
WINDOW = "edge/domain/rotating.py"
RECONCILING = "sync/rules/reconcile.py"
RECONCILE_HUB = "sync/hub/reconcile.py"

MUTATIONS = (
    # 4: unique per thing
    Mutation(4, "a_unit_is_given_once_even_if_nobody_looks", LEDGER_SQL,
             "CREATE UNIQUE INDEX redemption_once", "CREATE INDEX redemption_once"),
    Mutation(4, "what_was_released_is_not_given", PICKUP,
             "gone is not None and epoch <= gone.epoch", "gone is not None and epoch < gone.epoch"),
    Mutation(4, "what_was_released_is_not_given", "edge/flow/asks.py",
             "for line, number in released:", "for line, number in released[:0]:"),
    Mutation(4, "what_lapsed_is_not_given_by_a_later_row_of_the_same_epoch", "edge/flow/asks.py",
             'tx.run("tombstone_add", order_id, line, unit, epoch, "lapsed"',
             'tx.run("tombstone_add", order_id, line, unit, epoch - 1, "lapsed"'),
    Mutation(4, "a_release_is_promised_to_one_destination", "edge/flow/asks.py",
             'gone.reason == "released" and gone.destination != ask.destination', "False"),
    Mutation(4, "a_tombstone_keeps_its_epoch", "edge/store/queries/acts.sql",
             " WHERE excluded.epoch > tombstone.epoch", ""),
    Mutation(4, "the_code_of_an_earlier_epoch_is_refused", PICKUP,
             'code.state == "reissued" or code.epoch < order.epoch', 'code.state == "reissued"'),
    # 1 to 4: between stores
    Mutation(1, "a_move_waits_for_its_release", "sync/hub/ownership.py",
             "if asks.unanswered(connection, order_id) or held_back", "if held_back"),
    Mutation(1, "a_move_waits_for_its_release", PICKUP,
             "if order.home_store == here.store or order.cancelled:", "if True:"),
    Mutation(1, "what_home_handed_over_meanwhile_is_granted_to_nobody", "sync/hub/transfers.py",
             'or_(released, unheld, unit_table.c.state == "lapsed")', 'unit_table.c.state != ""'),
    Mutation(1, "a_lease_that_is_over_stops_the_store", "edge/flow/leases.py",
             'return "over" if ago_s * 1000 > shop.lease_ms else "good"', 'return "good"'),
    Mutation(1, "a_refunded_unit_stays_so_when_it_is_handed_over", "sync/hub/facts.py",
             'if now is not None and now.state == "refunded":', "if False:"),
    Mutation(3, "a_cancel_that_is_not_answered_refunds_nothing", "sync/hub/refunds.py",
             "    if pending and (\n", "    if False and (\n"),
    Mutation(4, "what_left_before_the_move_is_not_given_again", PICKUP,
             "        and unit not in order.away\n", ""),
    Mutation(4, "what_left_before_the_move_is_not_given_again", "sync/hub/order_rows.py",
             'each.state in ("released", "refunded") or each.holder != holder', "False"),
    Mutation(4, "an_epoch_does_not_rise_over_an_open_question", "sync/hub/order_rows.py",
             "if connection.execute(waiting).first() is not None:", "if False:"),
    Mutation(5, "no_token_is_signed_for_an_order_that_is_not_whole", "sync/hub/transfers.py",
             'all(each.state in ("held", "handed") and each.holder == current for each in units)',
             "True"),
    Mutation(14, "wrong_tries_travel_with_their_order", "edge/flow/asks.py",
             "tries=_tries(tx, ask.order_id) if released else ()", "tries=()"),
    # 5: a copy of the box
    Mutation(5, "a_box_in_doubt_gives_nothing_that_it_holds", PICKUP,
             "if here.fenced or ", "if "),
    Mutation(5, "a_copy_on_another_machine_gives_nothing", "edge/store/identity.py",
             "        if not known.fenced:\n", "        if False:\n"),
    Mutation(5, "a_box_in_doubt_confirms_nothing_that_it_began", REDEEM,
             "if not asking.here().fenced:\n        return None", "return None"),
    # 7: two tills, one key
    Mutation(7, "a_double_trigger_is_named_as_one", "edge/flow/scan.py",
             "0 <= now - seen[0] < shop.settings.debounce_ms", "False"),
    Mutation(7, "a_key_is_good_for_one_question", SERVE,
             "if not hmac.compare_digest(blob(kept_mac), body_mac):", "if False:"),
    Mutation(7, "the_same_question_has_the_same_answer_and_says_so", SERVE,
             "if known is not None:", "if False:"),
    Mutation(7, "the_same_question_has_the_same_answer_and_says_so", SERVE,
             "replace(from_json(kind, blob(body)), repeat_of_ms=integer(at_ms))",
             "from_json(kind, blob(body))"),
    Mutation(7, "an_answer_is_its_own_stations_alone", SERVE,
             'mac(shop, "key", caller.station, operator', 'mac(shop, "key", operator'),
    Mutation(7, "a_second_counter_is_told_who_serves", PICKUP,
             "claim is None or claim.station == here.station", "claim is None or True"),
    # 8: undo
    Mutation(8, "goods_that_left_are_not_taken_back", UNDO,
             "if not ask.goods_still_here:", "if False:"),
    Mutation(8, "another_counter_takes_nothing_back", UNDO,
             "done.station == caller.station and done.operator == operator", "True"),
    Mutation(8, "after_the_window_a_reason_is_needed", UNDO,
             "same_run and tx.moment.boot_ms - done.boot_ms <= shop.settings.undo_ms", "same_run"),
    Mutation(8, "a_restart_ends_the_window", UNDO, "done.run == shop.run", "True"),
    Mutation(8, "a_hand_over_is_taken_back_once", UNDO,
             "if done.undone_ms is not None:", "if False:"),
    Mutation(8, "undo_leaves_the_books_and_a_void_slip", "edge/store/queries/acts.sql",
             "UPDATE redemption SET live = 0 WHERE handover = ?1 AND live = 1",
             "DELETE FROM redemption WHERE handover = ?1 AND 0"),
    Mutation(8, "undo_leaves_the_books_and_a_void_slip", UNDO,
             'add_slip(tx, caller.station, "void"', 'add_slip(tx, caller.station, "pickup"'),
    # 10, 5e: signed codes
    Mutation(10, "lines_must_be_those_that_were_signed", REDEEM,
             "if line_digest(token.code_id, lines.order_id, lines.lines) != token.line_digest:",
             "if False:"),
    Mutation(10, "lines_must_be_those_that_were_signed", REDEEM,
             "lines is None or lines.code_id != token.code_id", "lines is None or True"),
    Mutation(10, "a_forged_code_is_unknown", "edge/flow/scan.py",
             "genuine=public is not None and meaning.signed.is_genuine(public),",
             "genuine=public is not None,"),
    Mutation(10, "a_forged_code_of_an_order_that_we_hold_locks_at_the_third_try",
             "sync/wire/signature.py",
             "except (InvalidSignature, ValueError):\n        return False",
             "except (InvalidSignature, ValueError):\n        return True"),
    Mutation(10, "a_code_older_than_this_box_is_not_believed_unsynced", REDEEM,
             "if token.issued_at_s * 1000 <= asking.enrolled.acknowledged_from_ms:", "if False:"),
    # 11: a hub restored behind its boxes
    Mutation(11, "a_restored_hub_hears_every_hand_over_again", "sync/engine/push.py",
             "behind = self._marks is not None and acked_seq < self._acked_seq", "behind = False"),
    Mutation(11, "a_cursor_beyond_the_end_begins_a_generation", "sync/hub/recovery.py",
             'if cursor.generation == generation_of(connection):\n        return "ahead"',
             'if cursor.generation == generation_of(connection):\n        return "gone"'),
    Mutation(11, "in_recovery_a_release_waits_for_whom_it_names", "sync/hub/held_back.py",
             "if not recovery.is_recovering(connection):", "if True:"),
    Mutation(11, "in_recovery_no_money_goes_back", "sync/hub/refunds.py",
             "    refuse_while_recovering(connection, order.created_ms)\n", ""),
    # 12: cursor and rows
    Mutation(12, "a_page_and_its_cursor_are_one", "edge/store/catalog.py",
             '        connection.execute("BEGIN IMMEDIATE")\n', ""),
    # 9: what is risked; 3: recall
    Mutation(9, "no_more_is_risked_than_was_granted", "sync/rules/budgets.py",
             "if not spent.plus(wanted).is_within(granted):", "if False:"),
    Mutation(9, "no_more_is_risked_than_was_granted", "edge/store/queries/provisional.sql",
             "pieces = pieces + excluded.pieces, "
             "amount_minor = amount_minor + excluded.amount_minor",
             "pieces = 0, amount_minor = 0"),
    Mutation(9, "a_budget_that_hq_did_not_sign_is_none", "sync/wire/budgets.py",
             "if not is_genuine(hub_public, DOMAIN_BUDGET, grant, signature):", "if False:"),
    Mutation(9, "with_a_wrong_pin_nothing_is_risked", "edge/flow/provisional.py",
             "    if isinstance(person, Refusal):\n        return person\n"
             "    approver", "    person = await check_pin(shop, Approval(staff_id=staff_id,"
             ' pin="830274"))\n    assert isinstance(person, Person)\n    approver'),
    Mutation(9, "with_an_unsure_clock_nothing_is_risked", "edge/flow/provisional_offer.py",
             'if tx.moment.clock == "unsure":', "if False:"),
    Mutation(9, "what_both_handed_over_is_one_loss_in_the_books", "sync/hub/provisional.py",
             'elif unit.state == "held" and unit.holder not in (row.incarnation, NOBODY):',
             "elif False:"),
    Mutation(9, "what_was_risked_is_never_refunded_too", "sync/hub/ownership.py",
             "changed = provisional.settle(connection, order_id, now_ms) or changed\n"
             "    changed = refunds.settle(connection, order_id, now_ms) or changed",
             "changed = refunds.settle(connection, order_id, now_ms) or changed\n"
             "    changed = provisional.settle(connection, order_id, now_ms) or changed"),
    Mutation(3, "what_is_recalled_stays_here", "edge/domain/pickup.py",
             "        and unit not in standing.held_back\n", ""),
    Mutation(3, "what_is_recalled_stays_here", "edge/flow/handover.py",
             "        now = hold_back(shop, tx, order, now)\n    still_open",
             "        pass\n    still_open"),
    Mutation(3, "a_recall_is_in_force_before_it_is_answered", "edge/flow/recalls.py",
             "            shop.recalls = read(tx)\n", ""),
    Mutation(3, "a_recall_is_in_every_snapshot_until_it_ends", "sync/hub/snapshots.py",
             "if isinstance(row, BudgetRow | RecallRow) and row.ended:",
             "if isinstance(row, BudgetRow | RecallRow):"),
    # 13: savepoints
    Mutation(13, "a_rolled_back_transaction_leaves_nothing_of_its_batch", LEDGER,
             "if not connection.in_transaction:\n                raise _Lost(error) from error\n"
             "            self._roll_back()\n",
             "if not connection.in_transaction:\n"
             "                return Failed(_unit_failed(error))\n"
             "            self._roll_back()\n"),
    Mutation(13, "a_full_disk_leaves_nothing_of_its_batch", LEDGER,
             "if _is_fatal(error) or not connection.in_transaction:\n"
             "                raise _Lost(error) from error\n            self._roll_back()\n",
             "if not connection.in_transaction:\n"
             "                return Failed(_unit_failed(error))\n            self._roll_back()\n"),
    Mutation(13, "after_an_unknown_batch_nothing_is_written", LEDGER,
             "        self._broken = True\n", "        self._broken = False\n"),
    Mutation(13, "an_answer_means_durable", LEDGER,
             '            connection.execute("COMMIT")\n', ""),
    Mutation(13, "a_thrown_unit_leaves_nothing", LEDGER,
             '        self.connection.execute("ROLLBACK TO unit")\n', ""),
    Mutation(13, "the_ledger_is_flushed_at_every_commit", LEDGER,
             'connection.execute("PRAGMA synchronous = FULL")',
             'connection.execute("PRAGMA synchronous = NORMAL")'),
    Mutation(13, "the_ledger_is_flushed_at_every_commit", LEDGER,
             '"PRAGMA journal_mode = WAL"', '"PRAGMA journal_mode = MEMORY"'),
    Mutation(13, "memory_that_ran_out_is_unknown", LEDGER,
             "except MemoryError as error:  #", "except UnicodeError as error:  #"),
    # 14: work lost inside a unit
    Mutation(14, "three_wrong_pins_lock", REDEEM,
             "    answer = asking.refuse(Verdict.UNKNOWN, why, order=order)\n",
             "    raise LookupError(why)\n"),
    Mutation(14, "wrong_pins_beside_a_throwing_neighbour_are_counted", LEDGER,
             "            self._roll_back()\n            return Failed(_unit_failed(error))\n"
             "        return Done(value)",
             '            connection.execute("ROLLBACK")\n            connection.execute("BEGIN")\n'
             "            return Failed(_unit_failed(error))\n        return Done(value)"),
    Mutation(14, "the_chain_holds_after_a_rollback", TX,
             "        self._audit_hash = audit.link(self._audit_hash, self._audit_seq, body)\n",
             "        self._audit_hash = audit.link(_KEPT[0], self._audit_seq, body)\n"
             "        _KEPT[0] = self._audit_hash\n"),
    Mutation(14, "the_chain_holds_after_a_rollback", TX,
             "        if self._changed:\n            floor",
             "        if False:\n            floor"),
    Mutation(14, "a_constraint_fails_its_own_unit_alone", LEDGER_SQL,
             "REFERENCES handover (handover),",
             "REFERENCES handover (handover) DEFERRABLE INITIALLY DEFERRED,"),
    Mutation(14, "a_folder_has_one_daemon", LEDGER,
             "            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
             "            pass\n"),
    Mutation(14, "a_decision_sees_what_was_just_done", REDEEM,
             "    now = standing(tx, order.order_id)\n    if is_not_understood(tx):",
             "    now = _KEPT.setdefault(order.order_id, standing(tx, order.order_id))\n"
             "    if is_not_understood(tx):"),
    # 16, 17: paper
    Mutation(16, "a_slip_in_doubt_is_unknown_and_followed_by_a_copy", "edge/flow/perform.py",
             "        found = in_doubt(tx)\n", "        found = in_doubt(tx)[:0]\n"),
    Mutation(17, "a_second_status_answer_proves_nothing", "drivers/printer/conversation.py",
             "self._wait(lambda answer: answer == ProcessId(ident=ident))",
             "self._wait(lambda answer: isinstance(answer, (ProcessId, RealTime)))"),
    # 18: rights
    Mutation(18, "an_orders_hand_over_spends_its_own_right", STOCK_SQL,
             "SET on_hand = on_hand - ?1, online = online - ?1",
             "SET on_hand = on_hand - ?1, counter = counter - ?1"),
    Mutation(18, "hub_forgets_an_orders_right_when_it_is_handed_over", "sync/hub/stock_facts.py",
             "self._spend(seq, order_id, line, sku, quantity, based=same)", "pass"),
    Mutation(18, "a_new_incarnation_holds_no_rights_until_it_counted", STOCK_SQL,
             "FROM stock_level\nWHERE sku = ? AND incarnation = "
             "(SELECT incarnation FROM identity WHERE id = 1)", "FROM stock_level\nWHERE sku = ?"),
    Mutation(18, "a_right_is_in_one_place", "sync/hub/stock.py",
             "online=stock.c.online - quantity)", "online=stock.c.online)"),
    Mutation(18, "what_is_on_its_way_is_nobodys", RIGHTS,
             "counter=now.counter - given, in_transit=now.in_transit + given",
             "counter=now.counter - given, online=now.online + given"),
    Mutation(18, "online_sells_no_right_that_it_does_not_hold", "sync/hub/stock_rows.py",
             "stock.c.online >= quantity", "stock.c.online >= -quantity"),
    # 19: counts
    Mutation(19, "a_count_below_the_promises_is_taken_and_shown", RIGHTS,
             "shortage=now.shortage + rest", "shortage=now.shortage"),
    Mutation(19, "a_count_below_the_promises_is_taken_and_shown", "sync/hub/stock.py",
             "if record.shortage > 0 and online > 0:", "if False:"),
    Mutation(19, "one_base_has_one_delta", "edge/store/stock.py",
             "if kept is not None:", "if False:"),
    Mutation(19, "what_one_count_put_right_is_not_put_right_twice", STOCK_SQL,
             "(movement <= ? OR kind = 'count')", "movement <= ?"),
    Mutation(19, "returned_goods_are_no_right", "edge/store/stock.py",
             '"returned": (0, 1)', '"returned": (1, 0)'),
    # 20: locks
    Mutation(20, "a_lock_that_somebody_pays_for_does_not_end", STOCK_SQL,
             "state = 'held' AND payments = 0", "state = 'held' AND payments >= 0"),
    Mutation(20, "a_lock_ends_late_after_a_reboot_and_never_early", STOCK_SQL,
             "boot_id <> ?1 AND (sure = 0 OR ?4 = 0)", "boot_id <> ?1 AND 0"),
    Mutation(20, "a_lock_ends_late_after_a_reboot_and_never_early", STOCK_SQL,
             "SET boot_id = ?1, until_boot_ms = ?2 + term_ms",
             "SET boot_id = ?1, until_boot_ms = ?2"),
    Mutation(20, "a_lock_is_taken_once", "edge/store/stock_locks.py",
             'if was.state != "held":', 'if False:'),
    Mutation(20, "a_reservation_ends_and_comes_back_once", "sync/hub/reservations.py",
             '.where(reservation.c.reservation_id == number, reservation.c.state == "held")',
             ".where(reservation.c.reservation_id == number)"),
    Mutation(20, "a_closed_article_is_not_sold_online", "sync/hub/stock_tiers.py",
             "closed=closed,", "closed=False,"),
    # picking: handed + refunded never exceed what was ordered
    Mutation(1, "what_was_short_is_not_given_and_refunded_once", "edge/store/picks.py",
             'if missing.choice == "refund_line":', "if False:"),
    Mutation(1, "what_was_short_is_not_given_and_refunded_once", "sync/hub/facts.py",
             'if now.state in ("held", "lapsed"):\n'
             '            working.put(unit, replace(now, state="released", destination=REFUND))',
             'if False:\n'
             '            working.put(unit, replace(now, state="released", destination=REFUND))'),
    Mutation(1, "nothing_is_given_up_while_a_counter_serves_the_order", "edge/flow/pick.py",
             "if serving is not None and serving.until_ms >= tx.moment.trusted_ms:", "if False:"),
    Mutation(1, "what_is_short_is_settled_by_the_customer", "edge/flow/pick.py",
             "if not allows(pick.on_short, ask.choice):", "if False:"),
    Mutation(1, "an_order_is_ready_only_when_each_unit_is_accounted_for", "edge/flow/pick.py",
             "if not is_complete(this, standing(tx, this.order_id), pick):", "if False:"),
    Mutation(4, "a_short_pick_from_before_a_newer_grant_refunds_nothing", "sync/hub/facts.py",
             "elif body.epoch < now.epoch:\n"
             "            continue  # it told before it read",
             "elif False:\n"
             "            continue  # it told before it read"),
    Mutation(2, "picking_lies_in_the_bin_also_while_hq_is_away", "edge/store/queries/orders.sql",
             "  coalesce(k.ready, o.ready), coalesce(k.place, o.place), coalesce(k.bags, o.bags),\n"
             "  o.lane, o.value_minor", "  o.ready, o.place, o.bags,\n  o.lane, o.value_minor"),
    # 27: time
    Mutation(27, "the_wall_clock_expires_nothing", "edge/flow/timekeeper.py",
             "trusted_ms=self._known.now_ms(boot_ms),", "trusted_ms=self._clock.wall_ms(),"),
    # 27, 32, 35: rotating codes
    Mutation(35, "a_used_step_is_never_used_again", WINDOW,
             "seen.accepted is not None and step <= seen.accepted", "False"),
    Mutation(35, "a_used_step_is_never_used_again", ROTATING,
             "            accept_step(tx, lookup, step, skew=skew)\n", "            pass\n"),
    Mutation(35, "an_old_picture_is_refused_and_counts_nothing", WINDOW,
             "WINDOW_STEPS = 1\n", "WINDOW_STEPS = 2\n"),
    Mutation(35, "an_old_picture_is_refused_and_counts_nothing", ROTATING,
             "    refuse_step(tx, lookup, step, skew=skew)\n",
             '    return wrong(asking, lookup, "rotating", order, "wrong_digits")\n'),
    Mutation(35, "more_than_ninety_seconds_are_never_learned", WINDOW,
             "if abs(skew) > MAX_SKEW_STEPS:", "if False:"),
    Mutation(35, "skew_is_learned_per_code", "edge/store/queries/rotating.sql",
             "FROM rotating_step WHERE lookup = ?", "FROM rotating_step WHERE ? IS NOT NULL"),
    Mutation(27, "a_clock_that_stood_still_believes_no_rotating_code", ROTATING,
             'if judged == "fresh" and not unsure:', 'if judged == "fresh":'),
    Mutation(32, "three_wrong_digits_lock_the_rotating_code", ROTATING,
             "if not shown.rotating.is_genuine(secret):", "if False:"),
    Mutation(32, "three_wrong_digits_lock_the_rotating_code", ROTATING,
             "    if lock.locked:\n", "    if False:\n"),
    Mutation(32, "the_id_of_a_rotating_code_is_no_code", "sync/wire/credential.py",
             'return _mac(k_store, b"rotating", code_id)',
             'return _mac(k_store, b"code", code_id)'),
    Mutation(35, "a_key_is_used_and_kept_no_longer_than_its_window", ROTATING,
             "if key is None or now_ms > key.until_ms:", "if key is None:"),
    Mutation(35, "a_key_is_used_and_kept_no_longer_than_its_window", "edge/store/catalog.py",
             "DELETE FROM rotating_key WHERE until_ms < ?",
             "DELETE FROM rotating_key WHERE until_ms < ? AND 0"),
    # the daily reconciliation: what one side lost is found, once, and only by its own word
    Mutation(11, "a_hand_over_that_headquarters_lost_is_found_in_the_evening", RECONCILING,
             "if left.get(first) != right.get(first)", "if first not in right"),
    Mutation(11, "a_hand_over_that_headquarters_lost_is_found_in_the_evening", RECONCILE_HUB,
             "for each in result.differences:\n            _open_case",
             "for each in ():\n            _open_case"),
    Mutation(11, "what_headquarters_lost_with_its_event_is_taken_in_again", "sync/hub/ingest.py",
             "_take_fresh(connection, sender, incarnation, lost, now_ms)", "[]"),
    Mutation(11, "what_is_told_meanwhile_is_no_difference", RECONCILE_HUB,
             " and row.handover not in later", ""),
    Mutation(11, "an_evening_is_reconciled_once", RECONCILING,
             "return day if day > last else None", "return day"),
    Mutation(11, "a_report_speaks_only_of_what_headquarters_holds", "edge/flow/reconcile.py",
             "or not await self._is_sent(books.seq)", ""),
    Mutation(11, "a_result_that_is_not_headquarters_own_is_not_kept", "sync/wire/reconcile.py",
             "is_genuine(public, DOMAIN_RESULT, packed, signature)", "packed"),
    # 5, 6, 12, 33: old, copied and replaced boxes
    Mutation(5, "a_restored_backup_gives_nothing_of_before", "edge/store/restore.py",
             'return begin_again(tx, "restored", detail=f"backup of {backup.taken_ms}")',
             "return known.incarnation"),
    Mutation(12, "a_left_over_wal_never_lies_beside_a_restored_ledger", "edge/store/restore.py",
             'path.name.startswith("ledger.db")', 'path.name == "ledger.db"'),
    Mutation(5, "a_changed_head_of_a_backup_is_refused", "edge/store/vault.py",
             "self._bound = hashlib.sha256(header.raw).digest()", 'self._bound = b"head"'),
    Mutation(5, "a_copy_behind_its_witness_gives_nothing", "edge/flow/boxes.py",
             'if judgement != "known":', "if not judgement:"),
    Mutation(5, "a_copy_that_went_another_way_gives_nothing_more", WITNESS,
             'return "known" if head_there == witness.head else "fork"', 'return "known"'),
    Mutation(5, "a_witness_of_another_hand_fences_nobody", WITNESS,
             "if not hmac.compare_digest(found[5], _mac(body, key)):", "if not body:"),
    Mutation(33, "a_fenced_box_tells_nothing_under_a_name_that_others_bear",
             "edge/store/outbox.py", "if tx.fenced:  #", "if False:  #"),
    Mutation(5, "a_fenced_box_takes_nobody_s_word", "edge/flow/attest.py",
             "if tx.fenced:", "if False:"),
    Mutation(6, "a_replaced_box_stays_out", "edge/store/incarnation.py",
             'tx.run("identity_fence")', 'tx.note("heard")'),
    Mutation(6, "a_takeover_of_another_hand_means_nothing", "sync/wire/takeover.py",
             "if not is_genuine(hub_public, DOMAIN_TAKEOVER, signed.takeover, signed.signature):",
             "if not signed.signature:"),
    Mutation(6, "a_replaced_box_does_not_come_back_by_asking", "sync/hub/boxes.py",
             "            _refuse_replaced(connection, before)\n", ""),
    Mutation(6, "late_events_are_believed_of_who_wrote_them_alone", "sync/wire/takeover.py",
             "if not is_genuine(public, DOMAIN_RECOVERED, message, recovered.signature):",
             "if not recovered.signature:"),
)  # fmt: skip

# Where a mutation needs a place to keep what it should not keep.
PREFACE = {TX: "_KEPT = [bytes(32)]\n", REDEEM: "_KEPT: dict[bytes, object] = {}\n"}


SCENE_NAMES = sorted({mutation.scene for mutation in MUTATIONS})


def run_scene(
    scene: str, product: Path, folder: Path, *more: str, timeout_s: int = 60
) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{product}{os.pathsep}{KIT}",
        "PYTHONWARNINGS": "ignore",
    }
    return subprocess.run(
        [sys.executable, str(SCENES), scene, str(folder), *more],
        env=environment,
        cwd=product,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's packages without what it does not need to run here, compiled once."""
    copy = tmp_path_factory.mktemp("product")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package,
            copy / package,
            ignore=shutil.ignore_patterns("__pycache__", "bench"),
        )
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(copy)], check=True)
    return copy


@pytest.fixture(scope="module")
def as_it_is(product: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each scene complains of while no rule is switched off; one process for all of them."""
    folder = tmp_path_factory.mktemp("scenes")
    done = run_scene("every", product, folder, *SCENE_NAMES, timeout_s=50 * len(SCENE_NAMES))
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return dict(told)


@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("scene", SCENE_NAMES)
def test_the_product_as_it_is_passes_the_scene(scene: str, as_it_is: dict[str, str]) -> None:
    assert as_it_is.get(scene, "it did not get that far") == ""


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_rule_switched_off_is_noticed(mutation: Mutation, product: Path, tmp_path: Path) -> None:
    copy = tmp_path / "product"
    shutil.copytree(product, copy, copy_function=os.link)
    file = copy / mutation.file
    text = file.read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1, f"the rule is not where it was: {mutation.old}"
    text = text.replace(mutation.old, mutation.new)
    if mutation.file in PREFACE and "_KEPT" in mutation.new:
        text = text.replace("\nfrom ", f"\n{PREFACE[mutation.file]}from ", 1)
    file.unlink()
    file.write_text(text, encoding="utf-8")
    folder = tmp_path / "folder"
    folder.mkdir()
    done = run_scene(mutation.scene, copy, folder)
    assert done.returncode == 1, "nobody noticed"
    noticed = done.stderr.strip().splitlines()[-1]
    print(noticed)  # noqa: T201 - how it was noticed; shown with -rA
    broken = ("SyntaxError", "NameError", "ImportError", "ModuleNotFoundError", "TypeError")
    assert not any(word in noticed for word in broken), noticed
