//! Which task to start next, when several wait and there is not room for all.
//!
//! `divvy-sim packing` measures what this choice loses against the best packing known.

use divvy_core::Demand;

/// A task that so many others have overtaken is started next: room is kept free for it. Large tasks would else wait for
/// as long as small ones come. Counted anew from the last task whose turn it was, so that at most one start in so many
/// is out of turn: a backlog is all overdue, and served by age alone it packs as badly as first come, first served.
pub const PASSES_MAX: u64 = 200;

/// What to do with the room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Start the task at this place.
    Start(usize),
    /// Start nothing until the task at this place fits: it has been passed over often enough.
    KeepFree(usize),
    /// None fits.
    Nothing,
}

/// What to start next. The best is the demand that lies most in the direction of what is left, by
/// `sum(demand * room / capacity^2)` over the resources: large tasks first, and those first that take most of what there
/// is most of (Grandl et al., "Multi-resource packing for cluster schedulers", SIGCOMM 2014).
///
/// Of each that waits its number says how many tasks that came later were started before it since it was last
/// somebody's turn: at [`PASSES_MAX`] it is its own, that of the one passed over most often. What does not fit into the
/// capacity has no turn.
#[must_use]
pub fn choose_fairly<'d>(
    room: &Demand,
    capacity: &Demand,
    waiting: impl Iterator<Item = (&'d Demand, u64)>,
) -> Choice {
    let (mut best, mut overdue) = (None, None);
    for (at, (demand, passes)) in waiting.enumerate() {
        // Of equals the first.
        if passes >= PASSES_MAX && overdue.is_none_or(|(_, most, _)| passes > most) && demand.fits(capacity) {
            overdue = Some((at, passes, demand));
        }
        if demand.fits(room) {
            let score = score(room, capacity, demand);
            if best.is_none_or(|(_, most)| score > most) {
                best = Some((at, score));
            }
        }
    }
    match (overdue, best) {
        (Some((at, _, demand)), _) if demand.fits(room) => Choice::Start(at),
        (Some((at, ..)), _) => Choice::KeepFree(at),
        (None, Some((at, _))) => Choice::Start(at),
        (None, None) => Choice::Nothing,
    }
}

/// How well a demand goes with the room there is; see [`choose_fairly`].
pub(crate) fn score(room: &Demand, capacity: &Demand, demand: &Demand) -> f64 {
    let part = |(name, amount): (&str, u64)| {
        let all = capacity.get(name) as f64;
        amount as f64 * room.get(name) as f64 / (all * all)
    };
    demand.iter().map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cpus: u64, mem: u64) -> Demand {
        Demand::new().with("cpus", cpus).with("mem", mem)
    }

    #[test]
    fn what_takes_most_of_what_is_left_goes_first() {
        let (capacity, room) = (of(8, 8), of(2, 8));
        let choose =
            |room: &Demand, capacity: &Demand, demands: std::slice::Iter<'_, Demand>| match choose_fairly(
                room,
                capacity,
                demands.map(|demand| (demand, 0)),
            ) {
                Choice::Start(at) => Some(at),
                Choice::KeepFree(_) | Choice::Nothing => None,
            };
        let demands = [of(2, 1), of(1, 4), of(3, 8), of(1, 4)];
        assert_eq!(choose(&room, &capacity, demands.iter()), Some(1), "of equals the first");
        assert_eq!(choose(&of(0, 8), &capacity, demands.iter()), None);
    }

    #[test]
    fn who_was_passed_over_too_often_is_next() {
        let (capacity, large, small) = (of(8, 8), of(8, 8), of(1, 1));
        let choice = |room: &Demand, passes| {
            choose_fairly(room, &capacity, [(&small, 0), (&large, passes)].into_iter())
        };
        assert_eq!(choice(&of(7, 7), PASSES_MAX - 1), Choice::Start(0));
        assert_eq!(choice(&of(7, 7), PASSES_MAX), Choice::KeepFree(1), "room is kept free for it");
        assert_eq!(choice(&of(8, 8), PASSES_MAX), Choice::Start(1));
        let never = of(9, 1);
        let waiting = [(&never, u64::MAX), (&small, 0)];
        assert_eq!(choose_fairly(&of(7, 7), &capacity, waiting.into_iter()), Choice::Start(1));
    }
}
