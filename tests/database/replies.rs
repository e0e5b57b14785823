//! Replies of LLM servers that outlive a restart.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use eventplanner::store::KeptReply;

fn reply(digit: char, share: f64, stored_at: Timestamp) -> KeptReply {
    let key = digit.to_string().repeat(64);
    KeptReply { key, reply: json!({"share": share}), stored_at }
}

#[tokio::test]
async fn the_newest_replies_are_kept_and_come_back_as_they_were() {
    let store = common::store().await;
    let now: Timestamp = "2027-02-14T10:00:00Z".parse().unwrap();
    let ago = |seconds| now - SignedDuration::from_secs(seconds);
    let old = reply('a', 0.5, ago(900));
    let young = reply('b', 0.601_990_05, ago(60));
    store.keep_replies(&[old.clone(), young.clone()]).await.unwrap();
    store.keep_replies(&[]).await.unwrap();
    assert_eq!(store.kept_replies(ago(1_000), 10).await.unwrap(), [old.clone(), young.clone()]);
    let newest = store.kept_replies(ago(1_000), 1).await.unwrap();
    assert!(newest.len() == 1 && newest[0] == young, "{newest:?}");

    // A newer reply takes the place of an older one, not the other way round.
    let newer = reply('a', 0.25, ago(30));
    store.keep_replies(std::slice::from_ref(&newer)).await.unwrap();
    store.keep_replies(&[old]).await.unwrap();
    assert_eq!(store.kept_replies(ago(1_000), 10).await.unwrap(), [young, newer.clone()]);

    assert_eq!(store.prune_replies(ago(1_000), 1).await.unwrap(), 1, "one too many");
    assert_eq!(store.kept_replies(ago(1_000), 10).await.unwrap(), [newer]);
    assert_eq!(store.prune_replies(ago(10), 9).await.unwrap(), 1, "too old");
    store.keep_replies(&[reply('c', 1.0, now)]).await.unwrap();
    assert_eq!(store.forget_replies().await.unwrap(), 1);

    let odd = KeptReply { key: "no digest".into(), ..reply('d', 1.0, now) };
    assert!(store.keep_replies(&[odd]).await.is_err());
}
