//! The planning core: against brute force, on problems made to be hard, and on the samples.

mod adversarial;
mod certificate;
mod exact;
mod sample;
