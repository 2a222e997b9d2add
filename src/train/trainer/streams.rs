//! Random numbers that are a function of where they are used: the same on every device, and after a
//! break as without one.

use crate::random::random;

/// What is drawn: each use has a stream of its own.
#[derive(Debug, Clone, Copy)]
pub enum Use {
    /// The first weights of layer `.0`.
    Weights(usize),
    /// The order of an epoch's rows.
    Order(usize),
    /// What layer `.1` drops in step `.0` of the run.
    Dropout(usize, usize),
    /// Whose captions are left out in a step.
    Captions(usize),
}

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub struct Stream(u64);

impl Stream {
    /// The stream of `seed` for one use.
    pub fn new(seed: u64, of: Use) -> Self {
        let (kind, a, b) = match of {
            Use::Weights(layer) => (1, layer, 0),
            Use::Order(epoch) => (2, epoch, 0),
            Use::Dropout(step, layer) => (3, step, layer),
            Use::Captions(step) => (4, step, 0),
        };
        let mut state = seed;
        for part in [kind, a as u64, b as u64] {
            // Each part passes the mixer, so that neighbouring streams share nothing.
            state = Self(state ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93)).next();
        }
        Self(state)
    }

    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        random(&mut self.0)
    }

    /// True with this probability, in steps of 2⁻⁵³.
    pub fn happens(&mut self, probability: f64) -> bool {
        ((self.next() >> 11) as f64) < probability * (1_u64 << 53) as f64
    }

    /// Fisher–Yates.
    pub fn shuffle(&mut self, order: &mut [usize]) {
        for last in (1..order.len()).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }

    /// `n` normal numbers with mean 0 and the given deviation (Box, Muller 1958).
    pub fn normal(&mut self, n: usize, deviation: f64) -> Vec<f32> {
        let mut values = Vec::with_capacity(n + 1);
        while values.len() < n {
            let unit = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64; // inside 0…1
            let (radius, angle) = ((-2.0 * unit(self.next()).ln()).sqrt(), std::f64::consts::TAU * unit(self.next()));
            values.extend([radius * angle.cos(), radius * angle.sin()].map(|value| (value * deviation) as f32));
        }
        values.truncate(n);
        values
    }

    /// `n` numbers that are 0 with probability `dropped`, in steps of 2⁻¹⁶, and else 1 over the share that
    /// is kept, so that their mean is 1.
    pub fn mask(&mut self, n: usize, dropped: f64) -> Vec<f32> {
        let limit = (dropped * 65536.0).round() as u64;
        let kept = (65536.0 / (65536 - limit) as f64) as f32;
        let mut values = Vec::with_capacity(n + 3);
        while values.len() < n {
            let bits = self.next();
            values.extend([0, 16, 32, 48].map(|shift| if (bits >> shift) & 0xFFFF < limit { 0.0 } else { kept }));
        }
        values.truncate(n);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_and_differs_from_every_other() {
        let first = |seed, of| Stream::new(seed, of).next();
        assert_eq!(first(1, Use::Order(3)), first(1, Use::Order(3)));
        let streams = [
            first(1, Use::Order(0)),
            first(2, Use::Order(0)),
            first(1, Use::Order(1)),
            first(1, Use::Weights(0)),
            first(1, Use::Dropout(0, 1)),
            first(1, Use::Dropout(1, 0)),
            first(1, Use::Captions(0)),
        ];
        for (index, value) in streams.iter().enumerate() {
            assert!(!streams[..index].contains(value));
        }
    }

    #[test]
    fn what_happens_half_the_time_does() {
        let mut stream = Stream::new(5, Use::Captions(0));
        let happened = (0..10_000).filter(|_| stream.happens(0.5)).count();
        assert!(happened.abs_diff(5_000) < 200, "{happened}");
        assert!(!stream.happens(0.0) && stream.happens(1.0));
    }

    #[test]
    fn normal_numbers_have_their_moments() {
        let values = Stream::new(5, Use::Weights(0)).normal(100_001, 0.5);
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / values.len() as f32;
        assert!(values.len() == 100_001 && mean.abs() < 0.01 && (variance - 0.25).abs() < 0.01, "{mean} {variance}");
    }

    #[test]
    fn a_mask_drops_its_share_and_has_mean_one() {
        let mask = Stream::new(5, Use::Dropout(0, 0)).mask(100_003, 0.335);
        let dropped = mask.iter().filter(|&&value| value == 0.0).count() as f32 / mask.len() as f32;
        let mean = mask.iter().sum::<f32>() / mask.len() as f32;
        assert!(
            mask.len() == 100_003 && (dropped - 0.335).abs() < 0.01 && (mean - 1.0).abs() < 0.02,
            "{dropped} {mean}"
        );
    }
}
