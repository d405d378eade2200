// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * One row of a connection that is over, in the role that the mark names above its lower byte:
 * claims it for the connection that the lower byte names; or removes it, as who ended the
 * connection does. And one that is added behind its home, though that has no row (any more).
 */
#include "../../../bpf/tc.bpf.c"

#define MARK_CONNECTION 0xff
#define MARK_ROLE_SHIFT 8

/* A connection without addresses and ports, as connection 0 is. */
static __always_inline struct flow_key row_key(__u8 role)
{
	bool is_at_egress = role == FLOW_FORWARD || role == FLOW_ANSWER;

	return (struct flow_key){
		.protocol = IPPROTO_UDP,
		.hook = is_at_egress ? AT_EGRESS : AT_INGRESS,
	};
}

SEC("tc")
int claim(struct __sk_buff *skb)
{
	__u8 role = skb->mark >> MARK_ROLE_SHIFT;
	union flow_word row = {
		.flow = {.connection = skb->mark & MARK_CONNECTION, .generation = 1},
	};
	struct flow_key key = row_key(role);
	struct scratch *scratch = scratch_get();

	if (!scratch)
		return TC_ACT_SHOT;
	row.flow.role = role;
	scratch->has_ended = false;
	return flow_claim(scratch, &key, row.word, false) ? TC_ACT_SHOT : TC_ACT_OK;
}

SEC("tc")
int remove(struct __sk_buff *skb)
{
	struct flow named = {.generation = 1};
	struct connection *connection = connection_at(0);

	if (!connection)
		return TC_ACT_SHOT;
	flow_remove(connection, &named, skb->mark >> MARK_ROLE_SHIFT & 3);
	return TC_ACT_OK;
}

SEC("tc")
int behind(struct __sk_buff *skb)
{
	struct flow_key key = row_key(FLOW_ASK);
	union flow_word row = {.flow = {.connection = 1, .generation = 1}};
	__u64 digest = flow_digest(&key);
	__u32 home = home_of(digest);

	(void)skb;
	if (bucket_add(spill_of(home), digest, row.word) || home_spill(home, digest))
		return TC_ACT_SHOT;
	return word_is_row(row_find(digest)) ? TC_ACT_OK : TC_ACT_SHOT;
}
