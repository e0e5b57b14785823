//! A simple temporal network: points in time, and bounds on the difference of two of them.
//!
//! Bounds are edges of a graph; shortest paths from the origin are the latest times, shortest
//! paths to it the negated earliest ones, and a negative cycle is a set of bounds that cannot
//! hold together (Dechter, Meiri, Pearl: Temporal constraint networks, 1991). Bellman–Ford
//! suffices: a run of show has some twenty points, nearly in a line.

/// Minutes from the event's start.
pub(crate) type Minutes = i64;

/// Which point of the network; 0 is the event's start.
pub(crate) type Point = usize;

pub(crate) const ORIGIN: Point = 0;

/// Farther than any bound of an event: no bound.
const FAR: Minutes = i64::MAX / 4;

/// `to − from ≤ most`, because of `why`.
#[derive(Clone, Copy, Debug)]
struct Bound<W> {
    from: Point,
    to: Point,
    most: Minutes,
    why: W,
}

/// `W` says why a bound is there. Bounds should be added in the order of time: that decides how
/// soon the passes settle, not what they find.
#[derive(Clone, Debug)]
pub(crate) struct Network<W> {
    points: usize,
    bounds: Vec<Bound<W>>,
}

impl<W: Copy> Network<W> {
    /// A network of the origin and `points − 1` further points.
    pub(crate) fn new(points: usize) -> Self {
        Self { points, bounds: Vec::with_capacity(points * 4) }
    }

    /// `later − earlier ≥ least`.
    pub(crate) fn at_least(&mut self, earlier: Point, later: Point, least: Minutes, why: W) {
        self.bounds.push(Bound { from: later, to: earlier, most: -least, why });
    }

    /// `later − earlier ≤ most`.
    pub(crate) fn at_most(&mut self, earlier: Point, later: Point, most: Minutes, why: W) {
        self.bounds.push(Bound { from: earlier, to: later, most, why });
    }

    /// `point` lies exactly `at` minutes after the origin.
    pub(crate) fn fix(&mut self, point: Point, at: Minutes, why: W) {
        self.at_least(ORIGIN, point, at, why);
        self.at_most(ORIGIN, point, at, why);
    }

    /// The latest time of every point.
    ///
    /// # Errors
    /// The reasons of bounds that cannot hold together, each in front of the one it leans on.
    pub(crate) fn latest(&self) -> Result<Vec<Minutes>, Vec<W>> {
        let mut at = vec![FAR; self.points];
        let mut reached_by: Vec<Option<usize>> = vec![None; self.points];
        at[ORIGIN] = 0;
        for _ in 0..=self.points {
            let mut moved = None;
            // Upper bounds spread from the end towards the start.
            for (i, bound) in self.bounds.iter().enumerate().rev() {
                if at[bound.from] < FAR && at[bound.from] + bound.most < at[bound.to] {
                    at[bound.to] = at[bound.from] + bound.most;
                    reached_by[bound.to] = Some(i);
                    moved = Some(bound.to);
                }
            }
            if moved.is_none() {
                return Ok(at);
            }
            if at[ORIGIN] < 0 {
                break;
            }
        }
        Err(self.cycle(&reached_by))
    }

    /// The earliest and latest time of every point.
    ///
    /// # Errors
    /// As [`Self::latest`].
    pub(crate) fn windows(&self) -> Result<Windows<'_, W>, Vec<W>> {
        let latest = self.latest()?;
        let mut earliest = vec![-FAR; self.points];
        earliest[ORIGIN] = 0;
        let mut windows = Windows { network: self, earliest, latest };
        windows.spread();
        Ok(windows)
    }

    /// Follows the bounds that moved the points back until a point comes twice.
    fn cycle(&self, reached_by: &[Option<usize>]) -> Vec<W> {
        let back = |point: Point| reached_by[point].map(|bound| self.bounds[bound].from);
        // Some point on a cycle: every point that was moved has a way back into one.
        let moved = (0..self.points).find(|&point| {
            let mut at = point;
            (0..self.points).all(|_| back(at).map(|from| at = from).is_some())
        });
        let Some(mut start) = moved else { return Vec::new() };
        for _ in 0..self.points {
            start = back(start).unwrap_or(start);
        }
        let mut reasons = Vec::new();
        let mut at = start;
        for _ in 0..self.points {
            let Some(bound) = reached_by[at].map(|i| self.bounds[i]) else { break };
            reasons.push(bound.why);
            at = bound.from;
            if at == start {
                break;
            }
        }
        reasons
    }
}

/// Where the points of a network that can hold may lie, while they are chosen one by one. A
/// choice inside its window leaves the rest a solution.
#[derive(Debug)]
pub(crate) struct Windows<'a, W> {
    network: &'a Network<W>,
    earliest: Vec<Minutes>,
    latest: Vec<Minutes>,
}

impl<W> Windows<'_, W> {
    /// Sets a point as near to `wish` as its window lets it, and returns where.
    pub(crate) fn choose(&mut self, point: Point, wish: Minutes) -> Minutes {
        let at = wish.min(self.latest[point]).max(self.earliest[point]);
        self.earliest[point] = at;
        self.latest[point] = at;
        self.spread();
        at
    }

    /// Narrows every window to what the others leave it.
    fn spread(&mut self) {
        let Self { network, earliest, latest } = self;
        for _ in 0..network.points {
            let mut moved = false;
            for bound in &network.bounds {
                let least = earliest[bound.to] - bound.most;
                if earliest[bound.to] > -FAR && least > earliest[bound.from] {
                    earliest[bound.from] = least;
                    moved = true;
                }
            }
            for bound in network.bounds.iter().rev() {
                let most = latest[bound.from] + bound.most;
                if latest[bound.from] < FAR && most < latest[bound.to] {
                    latest[bound.to] = most;
                    moved = true;
                }
            }
            if !moved {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_the_bounds() {
        let mut network = Network::new(4);
        network.at_least(ORIGIN, 1, 10, 'a');
        network.at_least(1, 2, 30, 'b');
        network.at_most(1, 2, 60, 'c');
        network.at_least(2, 3, 5, 'd');
        network.at_most(ORIGIN, 3, 100, 'e');
        let mut windows = network.windows().unwrap();
        assert_eq!(windows.latest, [0, 65, 95, 100]);
        assert_eq!(windows.earliest, [0, 10, 40, 45]);
        assert_eq!(windows.choose(3, 50), 50);
        assert_eq!(windows.latest, [0, 15, 45, 50]);
        assert_eq!(windows.earliest, [0, 10, 40, 50]);
        assert_eq!(windows.choose(1, 90), 15);
    }

    #[test]
    fn a_clash_names_the_bounds_that_make_it() {
        let mut network = Network::new(4);
        network.at_least(ORIGIN, 1, 0, 'u');
        network.at_least(1, 2, 30, 'b');
        network.at_most(ORIGIN, 3, 500, 'v');
        network.at_most(ORIGIN, 2, 20, 'c');
        network.at_least(2, 3, 0, 'w');
        let mut clash = network.latest().unwrap_err();
        clash.sort_unstable();
        assert_eq!(clash, ['b', 'c', 'u']);
    }

    #[test]
    fn a_clash_away_from_the_origin_is_found() {
        let mut network = Network::new(3);
        network.at_most(ORIGIN, 2, 500, 'v');
        network.at_least(1, 2, 60, 'a');
        network.at_most(1, 2, 30, 'b');
        let mut clash = network.latest().unwrap_err();
        clash.sort_unstable();
        assert_eq!(clash, ['a', 'b']);
    }
}
