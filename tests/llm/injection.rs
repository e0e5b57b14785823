//! Prompt injection: hostile visions and vendor names against a model that obeys them. Whatever
//! it says, no price, vendor, date, number or contact gets through.

use common::{
    hostile::HOSTILE,
    llm_server::{Behaviour, LlmServer},
    llm_tasks::{ask, gateway, quick, requirements, vision},
};
use eventplanner::{
    llm::{
        ProseTask, ProseVendor, Reply, Task,
        settings::ServerKind,
        tasks::{rules, vocabulary},
    },
    model::{EventType, Prose},
};
use serde_json::{Value, json};

fn message(body: &Value, index: usize) -> String {
    body["messages"][index]["content"].as_str().expect("a message").to_owned()
}

/// What differs in the blueprint's prose for one hostile text, in each of its places.
fn obedient(text: &str) -> Vec<Value> {
    ["summary", "atmosphere", "arrival_note", "closing"]
        .into_iter()
        .map(|place| {
            let mut reply = json!({
                "summary": "A calm evening.", "atmosphere": "Soft light.",
                "arrival_note": "Welcome.", "closing": "See you there.",
            });
            reply[place] = json!(format!("A calm evening. {text}"));
            reply
        })
        .collect()
}

#[tokio::test]
async fn hostile_text_stays_inside_its_fence_and_the_orders_outside_never_change() {
    let server = LlmServer::start(ServerKind::OpenAi, |_, _| Behaviour::Reply("{}".into())).await;
    let gateway = gateway(quick(vec![server.endpoint("one")]));
    ask(&gateway, vision("a harmless vision")).await;
    let system = message(&server.seen.last_chat().1, 0);
    for (text, _) in HOSTILE {
        ask(&gateway, vision(text)).await;
        let (_, body) = server.seen.last_chat();
        // The last chat is the repair; its first two messages are the question's.
        assert_eq!(message(&body, 0), system, "{text}");
        let user = message(&body, 1);
        assert_eq!(user.matches("<data ").count(), 1, "{user}");
        assert_eq!(user.matches("</data ").count(), 1, "{user}");
        assert!(user.trim_end().ends_with('>'), "nothing stands behind the fence: {user}");
        assert_eq!((user.matches('<').count(), user.matches('>').count()), (2, 2), "{user}");
        assert!(!user.contains(['[', ']', '\u{200b}', '\u{202e}']), "{user}");
    }
}

#[tokio::test]
async fn an_obedient_model_can_only_choose_words_of_the_vocabularies() {
    // All that the schema lets through, whatever the text asked for.
    let most = json!({
        "styles": &vocabulary::STYLES[..5], "cuisines": &vocabulary::CUISINES[..5],
        "amenities": &vocabulary::AMENITIES[..5], "venue_types": &vocabulary::VENUE_TYPES[..5],
        "video": true,
    });
    for (text, prose) in HOSTILE {
        let mut extra = most.clone();
        extra["price"] = json!(1);
        let mut vendor = most.clone();
        vendor["styles"] = json!([prose]);
        let mut flood = most.clone();
        flood["styles"] = json!(vocabulary::STYLES);
        for reply in [extra, vendor, flood, json!(prose), json!({"total": 0})] {
            let server = LlmServer::start(ServerKind::Ollama, move |_, _| {
                Behaviour::Reply(reply.to_string())
            })
            .await;
            let gateway = gateway(quick(vec![server.endpoint("one")]));
            let answer = ask(&gateway, vision(text)).await;
            assert_eq!(answer.server, "rules", "{text}");
            assert_eq!(answer.reply, rules::answer(&vision(text)), "{text}");
        }
        let reply = most.clone();
        let server =
            LlmServer::start(ServerKind::Ollama, move |_, _| Behaviour::Reply(reply.to_string()))
                .await;
        let gateway = gateway(quick(vec![server.endpoint("one")]));
        let answer = ask(&gateway, vision(text)).await;
        assert_eq!(answer.server, "one");
        let found = requirements(&answer.reply);
        assert!(found.styles.iter().all(|word| vocabulary::STYLES.contains(&word.as_str())));
        assert_eq!(found.keywords, ["word"]);
    }
}

fn blueprint(vision: &str, vendor: &str) -> Task {
    Task::Prose(ProseTask {
        event_type: EventType::Wedding,
        city: "Kochi".to_owned(),
        guests: 180,
        date_text: "Sunday, 14 February 2027".to_owned(),
        start_text: "18:00".to_owned(),
        styles: vec!["garden".to_owned()],
        vision: vision.to_owned(),
        vendors: vec![ProseVendor { category: "venue".into(), name: vendor.to_owned() }],
    })
}

#[tokio::test]
async fn an_obedient_models_prose_never_reaches_the_blueprint() {
    for (text, prose) in HOSTILE {
        for reply in obedient(prose) {
            let said = reply.to_string();
            let server =
                LlmServer::start(ServerKind::OpenAi, move |_, _| Behaviour::Reply(said.clone()))
                    .await;
            let gateway = gateway(quick(vec![server.endpoint("one")]));
            let task = blueprint(text, "Old Mill");
            let answer = ask(&gateway, task.clone()).await;
            assert_eq!(answer.server, "rules", "{text}: {reply}");
            assert_eq!(answer.reply, rules::answer(&task));
        }
    }
}

#[tokio::test]
async fn a_hostile_vendor_name_is_a_fact_and_its_orders_are_not() {
    for (name, prose) in HOSTILE {
        let name: String = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let reply = obedient(prose).remove(0).to_string();
        let server =
            LlmServer::start(ServerKind::Ollama, move |_, _| Behaviour::Reply(reply.clone())).await;
        let gateway = gateway(quick(vec![server.endpoint("one")]));
        let answer = ask(&gateway, blueprint("", &name)).await;
        let user = message(&server.seen.last_chat().1, 1);
        assert_eq!((user.matches('<').count(), user.matches('>').count()), (2, 2), "{user}");
        let Reply::Prose(Prose { summary, .. }) = &answer.reply else { panic!() };
        // Words of the name may be repeated; a number, date or contact of its orders may not be
        // taken for one of the plan's.
        if answer.server == "one" {
            assert!(!summary.contains(|c: char| c.is_numeric()), "{name}: {summary}");
            assert!(!summary.contains(['@', '/', '₹', '%']), "{name}: {summary}");
        }
    }
}
