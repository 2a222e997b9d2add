//! Which way of computing is fastest on this device, and right. A software adapter dislikes barriers, a real GPU
//! likes tiles, and drivers have bugs: so every way is tried on the shapes of the model at hand, its result is
//! checked, and the fastest of the right ones is kept, per adapter and per build of the kernels.
//!
//! A model of a few thousand weights is not worth the trying ([`is_worth_it`]): it takes the safest way.
//!
//! | file | holds |
//! |---|---|
//! | `work` | the products and the attention of a tower |
//! | `choices` | what was chosen, and the text in which it is kept |
//! | `tuned` | a device, what was chosen for it, and which kernels answered rightly |
//! | `trial` | products and attention of random numbers, and what must come out |
//! | `race` | several ways against the clock |
//! | `check` | whether the chosen ways are right in the form in which a tower runs them |
//! | `tune` | the choosing |

mod check;
mod choices;
pub(super) mod race;
pub(super) mod trial;
mod tune;
mod tuned;
mod work;

pub use self::choices::Choices;
pub use self::tune::{check, tune};
pub use self::tuned::Tuned;
pub use self::work::{Follows, Work, is_worth_it};
