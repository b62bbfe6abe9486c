//! Which task to start next, when several wait and there is not room for all.

use divvy_core::Demand;

/// The place of the demand that fits best into the room, `None` if none fits.
///
/// The best is the one whose demand lies most in the direction of what is left, by `sum(demand * room / capacity^2)`
/// over the resources: large tasks first, and those first that take most of what there is most of (Grandl et al.,
/// "Multi-resource packing for cluster schedulers", SIGCOMM 2014).
#[must_use]
pub fn choose<'d>(
    room: &Demand,
    capacity: &Demand,
    demands: impl Iterator<Item = &'d Demand>,
) -> Option<usize> {
    let fitting = demands.enumerate().filter(|(_, demand)| demand.fits(room));
    let scored = fitting.map(|(at, demand)| (at, score(room, capacity, demand)));
    // Of equals the first.
    scored.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(at, _)| at)
}

fn score(room: &Demand, capacity: &Demand, demand: &Demand) -> f64 {
    let part = |(name, amount): (&str, u64)| {
        let all = capacity.get(name) as f64;
        amount as f64 * room.get(name) as f64 / (all * all)
    };
    demand.iter().map(part).sum()
}
