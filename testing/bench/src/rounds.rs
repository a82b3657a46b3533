//! Measurements that take turns: a machine that is slow for a while is slow for all of them.

use anyhow::Result;

use crate::figures::Figures;

/// One thing to measure, again and again.
pub(crate) struct Turn<'a> {
    /// What it is called where it cannot be measured.
    name: String,
    /// Measures it once and notes what it found; `None` if it never could.
    run: Option<Box<dyn FnMut(&mut Figures) -> Result<()> + 'a>>,
    /// Why it cannot be measured.
    why_not: Option<anyhow::Error>,
    /// In how many rounds it takes part.
    rounds: usize,
}

impl<'a> Turn<'a> {
    /// Something that can be measured.
    pub(crate) fn new(name: &str, run: impl FnMut(&mut Figures) -> Result<()> + 'a) -> Self {
        Self {
            name: name.to_owned(),
            run: Some(Box::new(run)),
            why_not: None,
            rounds: usize::MAX,
        }
    }

    /// The same in the first rounds only.
    pub(crate) fn at_most(self, rounds: usize) -> Self {
        Self { rounds, ..self }
    }

    /// Something that can be measured if `prepared` could be prepared.
    pub(crate) fn with<T: 'a>(
        name: &str,
        prepared: Result<T>,
        mut run: impl FnMut(&mut T, &mut Figures) -> Result<()> + 'a,
    ) -> Self {
        match prepared {
            Ok(mut prepared) => Self::new(name, move |figures| run(&mut prepared, figures)),
            Err(why) => Self {
                name: name.to_owned(),
                run: None,
                why_not: Some(why),
                rounds: 0,
            },
        }
    }
}

/// Lets each have its turn in each round; who comes first changes from round to round.
///
/// One that fails is noted as missing and has no further turns.
pub(crate) fn take_turns(rounds: usize, mut turns: Vec<Turn<'_>>, figures: &mut Figures) {
    for turn in &mut turns {
        if let Some(why) = turn.why_not.take() {
            figures.missing(&turn.name, &why);
        }
    }
    turns.retain(|turn| turn.run.is_some());
    for round in 0..rounds {
        let count = turns.len().max(1);
        for place in 0..turns.len() {
            let Some(turn) = turns.get_mut((place + round) % count) else {
                continue;
            };
            let Some(run) = turn.run.as_mut().filter(|_| round < turn.rounds) else {
                continue;
            };
            println!("  round {} of {rounds}: {}", round + 1, turn.name);
            if let Err(why) = run(figures) {
                figures.missing(&turn.name, &why);
                turn.run = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::Sample;

    #[test]
    fn who_comes_first_changes_and_who_fails_is_left_out() {
        let order = std::cell::RefCell::new(Vec::new());
        let mut figures = Figures::default();
        let turns = vec![
            Turn::new("a", |_| {
                order.borrow_mut().push('a');
                Ok(())
            }),
            Turn::new("b", |_| {
                order.borrow_mut().push('b');
                anyhow::bail!("no b")
            }),
            Turn::with("c", Ok(3), |seconds, figures| {
                order.borrow_mut().push('c');
                let wall = Duration::from_secs(*seconds);
                figures.time(
                    "c",
                    Sample {
                        wall,
                        ..Sample::default()
                    },
                );
                Ok(())
            }),
            Turn::with("d", Err(anyhow::anyhow!("no d")), |(), _| Ok(())),
            Turn::new("e", |_| {
                order.borrow_mut().push('e');
                Ok(())
            })
            .at_most(1),
        ];
        take_turns(2, turns, &mut figures);
        assert_eq!(order.into_inner(), ['a', 'b', 'c', 'e', 'c', 'a']);
        assert_eq!(figures.find("c").unwrap().median(), Some(3.0));
        let missing: Vec<&str> = figures.all_missing().map(|(name, _)| name).collect();
        assert_eq!(missing, ["d", "b"]);
    }
}
