use super::*;

#[test]
fn the_last_announced_is_woken_first_and_no_more_than_there_are_tasks() {
    let sleep = Sleep::new(3);
    for worker in [0, 1, 2] {
        sleep.announce(worker);
    }
    sleep.wake(1);
    sleep.wake(1);
    assert_eq!(sleep.sleepers(), 1);
    sleep.sleep(2); // both would block, had they not been chosen
    sleep.sleep(1);
    assert_eq!(lock(&sleep.state).sleepers, [0]);
}

#[test]
fn a_canceled_worker_is_not_chosen() {
    let sleep = Sleep::new(2);
    sleep.announce(0);
    sleep.announce(1);
    sleep.cancel(1);
    sleep.wake(1);
    assert_eq!(lock(&sleep.state).phases, [Phase::Awake, Phase::Awake]);
    sleep.sleep(0);
    sleep.cancel(0); // after it was chosen: nothing to undo
    assert_eq!(sleep.sleepers(), 0);
    sleep.wake(1);
}

#[test]
fn the_pool_is_idle_when_all_sleep_or_are_gone() {
    let sleep = Sleep::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sleep.announce(0);
            sleep.sleep(0);
        });
        sleep.gone(1);
        sleep.wait_idle();
        assert_eq!(lock(&sleep.state).phases, [Phase::Asleep, Phase::Gone]);
        sleep.wake(1);
        assert_eq!(lock(&sleep.state).resting, 1, "who was chosen does not rest any more");
    });
}

#[test]
fn everybody_wakes_at_the_end() {
    let sleep = Sleep::new(4);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let sleep = &sleep;
            scope.spawn(move || {
                sleep.announce(worker);
                sleep.sleep(worker);
            });
        }
        sleep.wait_idle();
        sleep.wake_all();
    });
    assert_eq!(sleep.sleepers(), 0);
}

#[test]
fn nobody_wakes_a_crowd() {
    let sleep = Sleep::new(5);
    (0..5).for_each(|worker| sleep.announce(worker));
    sleep.wake(u64::MAX);
    assert_eq!(sleep.sleepers(), 5 - WAKE_AT_ONCE as usize);
    sleep.wake(0);
    assert_eq!(sleep.sleepers(), 5 - WAKE_AT_ONCE as usize);
}
