//! Each test runs real actors on their own threads.

use std::time::Duration;

use actix::{Actor, Context, Handler, Message};
use slog::Logger;
use tokio::sync::mpsc;

use crate::supervision::*;
use resilience::Backoff;

struct Fragile {
    served: u32,
    _death_notice: DeathNotice,
}

impl Actor for Fragile {
    type Context = Context<Self>;
}

impl Handler<Envelope<Self>> for Fragile {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<Self>, context: &mut Context<Self>) {
        envelope.open(self, context);
    }
}

struct Do(&'static str);

impl Message for Do {
    type Result = Result<u32, AskError>;
}

impl Handler<Do> for Fragile {
    type Result = Result<u32, AskError>;

    fn handle(&mut self, message: Do, _: &mut Context<Self>) -> Self::Result {
        self.served += 1;
        match message.0 {
            "panic" => panic!("asked to"),
            "freeze" => std::thread::sleep(Duration::from_secs(2)),
            "slow" => std::thread::sleep(Duration::from_millis(20)),
            _ => {}
        }
        Ok(self.served)
    }
}

fn start(policy: Policy) -> (Handle<Fragile>, mpsc::Receiver<&'static str>) {
    let (escalate, escalated) = mpsc::channel(1);
    let log = Logger::root(slog::Discard, slog::o!());
    let handle = supervise("fragile", policy, &log, escalate, |death_notice| Fragile {
        served: 0,
        _death_notice: death_notice,
    });
    (handle, escalated)
}

fn quick() -> Policy {
    Policy {
        capacity: 4,
        backoff: Backoff { first: Duration::from_millis(1), ..Policy::default().backoff },
        heartbeat_every: Duration::from_millis(20),
        heartbeat_timeout: Duration::from_millis(100),
        ..Policy::default()
    }
}

#[test]
fn a_panic_costs_one_request_and_the_state() {
    actix::System::new().block_on(async {
        let (handle, _escalated) = start(quick());
        assert_eq!(handle.ask(Do("count")).await, Ok(1));
        assert_eq!(handle.ask(Do("count")).await, Ok(2));
        let lost = handle.ask(Do("panic")).await;
        assert_eq!(lost, Err(AskError::Panicked { actor: "fragile" }));
        // A request may meet an actor that is already dying.
        while handle.status().generation < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(handle.ask(Do("count")).await, Ok(1));
        assert_eq!(handle.status().restarts, 1);
    });
}

#[test]
fn a_frozen_actor_is_replaced() {
    actix::System::new().block_on(async {
        let (handle, _escalated) = start(quick());
        let frozen = handle.clone();
        let frozen = actix::spawn(async move { frozen.ask(Do("freeze")).await });
        while handle.status().generation < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(handle.ask(Do("count")).await, Ok(1));
        // Told as soon as its actor was given up, not when the thread wakes.
        assert_eq!(frozen.await.unwrap(), Err(AskError::Panicked { actor: "fragile" }));
    });
}

#[test]
fn too_many_deaths_escalate() {
    actix::System::new().block_on(async {
        let (handle, mut escalated) = start(quick());
        // A request may meet an actor that is already dying, so there may be more of them.
        let given_up = loop {
            assert!(handle.ask(Do("panic")).await.is_err());
            if let Ok(name) = escalated.try_recv() {
                break name;
            }
        };
        assert_eq!(given_up, "fragile");
        assert_eq!(handle.status().state, "stopped");
        let refused = handle.ask(Do("count")).await;
        assert_eq!(refused, Err(AskError::Restarting { actor: "fragile" }));
    });
}

#[test]
fn overload_is_an_answer() {
    actix::System::new().block_on(async {
        // On a busy machine slow handlers are no freeze.
        let patient = Policy { heartbeat_timeout: Duration::from_secs(60), ..quick() };
        let (handle, _escalated) = start(patient);
        let asked: Vec<_> = (0..4)
            .map(|_| {
                let handle = handle.clone();
                actix::spawn(async move { handle.ask(Do("slow")).await })
            })
            .collect();
        while handle.status().in_flight < 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let refused = handle.ask(Do("count")).await;
        assert_eq!(refused, Err(AskError::Busy { actor: "fragile" }));
        for answer in asked {
            assert!(answer.await.unwrap().is_ok());
        }
    });
}

/// Keeps its actor busy until the sender is dropped.
struct Hold(std::sync::mpsc::Receiver<()>);

impl Message for Hold {
    type Result = Result<u32, AskError>;
}

impl Handler<Hold> for Fragile {
    type Result = Result<u32, AskError>;

    fn handle(&mut self, message: Hold, _: &mut Context<Self>) -> Self::Result {
        let _ = message.0.recv();
        Ok(0)
    }
}

async fn until(handle: &Handle<Fragile>, (mailbox, in_flight): (usize, usize)) {
    let found = || (handle.status().mailbox, handle.status().in_flight);
    while found() != (mailbox, in_flight) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Also where a caller leaves, and where the actor is given up with its mailbox.
#[test]
fn the_mailbox_shows_what_an_actor_has_not_begun_with() {
    actix::System::new().block_on(async {
        let patient = Policy { heartbeat_timeout: Duration::from_secs(60), ..quick() };
        for policy in [patient, quick()] {
            let is_replaced = policy == quick();
            let (handle, _escalated) = start(policy);
            let (release, held) = std::sync::mpsc::channel();
            let ask = handle.clone();
            let busy = actix::spawn(async move { ask.ask(Hold(held)).await });
            until(&handle, (0, 1)).await;
            let waiting: Vec<_> = (0..3)
                .map(|_| {
                    let ask = handle.clone();
                    actix::spawn(async move { ask.ask(Do("count")).await })
                })
                .collect();
            if is_replaced {
                while handle.status().generation < 2 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            } else {
                until(&handle, (3, 4)).await;
                waiting[2].abort();
                until(&handle, (3, 3)).await;
            }
            drop(release);
            until(&handle, (0, 0)).await;
            assert_eq!(busy.await.unwrap().is_ok(), !is_replaced);
            assert_eq!(handle.ask(Do("count")).await, Ok(if is_replaced { 1 } else { 3 }));
        }
    });
}

#[test]
fn every_fault_that_a_test_can_ask_for_costs_one_generation() {
    actix::System::new().block_on(async {
        let (handle, _escalated) = start(quick());
        for (restarts, fault) in [(1, Fault::Panic), (2, Fault::Stop), (3, Fault::Freeze)] {
            assert_eq!(handle.ask(Do("count")).await, Ok(1));
            handle.inject(fault);
            while handle.status().restarts < restarts {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        assert_eq!(handle.ask(Do("count")).await, Ok(1));
    });
}
