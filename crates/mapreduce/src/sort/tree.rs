//! Which of many runs has the smallest key: a tree of losers.
//!
//! Each inner node has the loser of the match between its two sides, the root's winner stands above it. When the winner
//! moves on to its next record only the matches on its way up are played again: one comparison per level, where a heap
//! needs two.

/// A run in the tree: its number, led by the first bytes of its key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) prefix: u64,
    pub(super) lane: u32,
}

/// The tree. Who is first among equal prefixes is up to the caller, and must be the same each time it is asked.
#[derive(Debug)]
pub(super) struct Tree {
    /// The winner, then the inner nodes: below node `n` are `2n` and `2n + 1`, lane `i` is below `(i + lanes) / 2`.
    nodes: Vec<Node>,
}

impl Tree {
    /// Bytes for each lane, while the tree is made.
    pub(super) const NODE: usize = 3 * size_of::<Node>();

    /// The tree of these prefixes, lane after lane; `is_before(a, b)` decides between lanes of equal prefixes.
    pub(super) fn new(
        prefixes: impl ExactSizeIterator<Item = u64>,
        is_before: impl Fn(u32, u32) -> bool,
    ) -> Tree {
        let lanes = prefixes.len();
        // Winners of all nodes, leaves behind: what loses on the way up stays.
        let mut winners = vec![Node { prefix: 0, lane: 0 }; lanes];
        winners.extend(prefixes.zip(0..).map(|(prefix, lane)| Node { prefix, lane }));
        for node in (1..lanes).rev() {
            let (a, b) = (winners[2 * node], winners[2 * node + 1]);
            let (winner, loser) = if is_less(a, b, &is_before) { (a, b) } else { (b, a) };
            winners[node] = winner;
            // The side's own winner is needed no more: its place keeps the loser.
            winners[2 * node] = loser;
        }
        let mut nodes = vec![Node { prefix: 0, lane: 0 }; lanes.max(1)];
        (1..lanes).for_each(|node| nodes[node] = winners[2 * node]);
        if lanes > 0 {
            nodes[0] = winners[1];
        }
        Tree { nodes }
    }

    pub(super) fn winner(&self) -> u32 {
        self.nodes[0].lane
    }

    /// The winner's key has changed to one with this prefix.
    #[inline]
    pub(super) fn replay(&mut self, prefix: u64, is_before: impl Fn(u32, u32) -> bool) {
        let mut winner = Node { prefix, lane: self.nodes[0].lane };
        let mut at = (winner.lane as usize + self.nodes.len()) / 2;
        while at > 0 {
            let node = self.nodes[at];
            if is_less(node, winner, &is_before) {
                self.nodes[at] = winner;
                winner = node;
            }
            at /= 2;
        }
        self.nodes[0] = winner;
    }
}

#[inline]
fn is_less(a: Node, b: Node, is_before: &impl Fn(u32, u32) -> bool) -> bool {
    a.prefix < b.prefix || a.prefix == b.prefix && is_before(a.lane, b.lane)
}
