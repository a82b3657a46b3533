//! Random cases, each with a seed by which it can be run again.

/// A generator that gives the same numbers for the same seed (xorshift*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    pub(crate) fn one_in(&mut self, number: usize) -> bool {
        self.below(number) == 0
    }
}

/// Runs `case` with as many seeds as `TRANSOM_CASES` says, or `cases`, from `TRANSOM_SEED` on; names the seed that
/// failed.
#[expect(clippy::print_stdout, reason = "a failing case is named by its seed")]
pub(crate) fn for_each_seed(cases: u64, case: impl Fn(u64)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("TRANSOM_SEED").unwrap_or(1);
    for seed in first..first + number("TRANSOM_CASES").unwrap_or(cases) {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(seed)));
        if let Err(panic) = outcome {
            println!("failed with TRANSOM_SEED={seed} TRANSOM_CASES=1");
            std::panic::resume_unwind(panic);
        }
    }
}
