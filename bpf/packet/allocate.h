/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the records of new connections come from: the free ones; where there is none, the oldest
 * that is closing, then the oldest that was not answered. What is answered and open is never taken.
 */
#ifndef EBPF_PROXY_ALLOCATE_H
#define EBPF_PROXY_ALLOCATE_H

#include "scratch.h"

/* How many tokens one new connection looks at: each is looked at once in its life, or twice. So
 * many in a row may be of connections that have ended since. */
#define TOKEN_ATTEMPTS 32

static __always_inline struct path_state *path_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&path_states, &zero);
}

/* Whether kube-proxy takes what is new. */
static __always_inline bool path_is_handed_back(void)
{
	const struct path_state *state = path_state();

	return state && READ_ONCE(state->is_handed_back);
}

/* Whether connections may have a frontend that is gone, or never was one. */
static __always_inline bool path_has_orphans(void)
{
	const struct path_state *state = path_state();

	return state && state->has_orphans;
}

/* Says that there are connections, before there is one, so that programs look for them. The
 * controller doubts it first, and takes it back if nobody has said it again. */
static __always_inline void path_is_in_use(void)
{
	struct path_state *state = path_state();

	if (state && READ_ONCE(state->is_in_use) != PATH_IN_USE)
		*(volatile __u32 *)&state->is_in_use = PATH_IN_USE;
}

/* Says that there is a connection whose frontend is none. The count comes first: the controller,
 * which takes the other word back, looks at it again afterwards. */
static __always_inline void path_has_parted(void)
{
	struct path_state *state = path_state();

	if (!state)
		return;
	__sync_fetch_and_add(&state->parted, 1);
	*(volatile __u32 *)&state->has_orphans = 1;
}

/* Removes a row of a connection, unless another one has it by now. */
static __noinline void flow_remove(const struct connection *connection, const struct flow *named,
				   __u8 role)
{
	union flow_word row = {
		.flow = {.connection = named->connection, .generation = named->generation}};
	struct scratch *scratch = scratch_get();

	if (!scratch)
		return;
	row.flow.role = role;
	flow_key_of(connection, role, &scratch->gone);
	row_change(flow_digest(&scratch->gone), row.word, ROW_GONE);
}

/* Removes the rows of a connection that has ended. Those for the stack that another CPU is adding
 * are that one's to remove. */
static __always_inline void connection_remove_flows(const struct connection *connection,
						    const struct flow *named)
{
	bool is_in_stack = !(connection->flags & CONNECTION_AROUND);

	flow_remove(connection, named, FLOW_ASK);
	if (connection->flags & CONNECTION_MASQUERADE) {
		if (is_in_stack)
			flow_remove(connection, named, FLOW_FORWARD);
		flow_remove(connection, named, FLOW_RETURN);
	}
	/* Last: who has its place writes the row to forward by, too. */
	if (is_in_stack)
		flow_remove(connection, named, FLOW_ANSWER);
}

/* Ends a connection whose token was taken, so that its id can be used again at once; false where
 * somebody else has ended it. */
static __always_inline bool connection_evict(struct connection *connection,
					     const struct flow *token)
{
	if (!connection_end(connection, token->connection, token->generation))
		return false;
	connection_tally_rest(connection);
	connection_remove_flows(connection, token);
	return true;
}

/* The oldest connection that is closing makes room; false where there is none. */
static __noinline bool closing_take(__u32 *id)
{
	struct flow token;

	for (int attempt = 0; attempt < TOKEN_ATTEMPTS; attempt++) {
		struct connection *connection;

		if (bpf_map_pop_elem(&closing, &token))
			return false;
		connection = connection_live(&token);
		if (!connection)
			continue;
		/* It goes on after what was no reset; it has no token here from now on. */
		if (!connection_is_closing(connection)) {
			connection_has_no_token(connection, &token, true);
			continue;
		}
		if (!connection_evict(connection, &token))
			continue;
		*id = token.connection;
		return true;
	}
	return false;
}

/* The same for the oldest that was not answered. */
static __noinline bool unanswered_take(__u32 *id)
{
	struct flow token;

	for (int attempt = 0; attempt < TOKEN_ATTEMPTS; attempt++) {
		struct connection *connection;

		if (bpf_map_pop_elem(&unanswered, &token))
			return false;
		connection = connection_live(&token);
		/* One that is closing is for who takes its other token. */
		if (!connection || connection_is_answered(connection) ||
		    connection->flags & CONNECTION_CLOSING)
			continue;
		if (!connection_evict(connection, &token))
			continue;
		count(REASON_CONNECTION_EVICTED);
		*id = token.connection;
		return true;
	}
	return false;
}

/* An id that is not in use; false where only answered connections are left. */
static __always_inline bool connection_allocate(__u32 *id)
{
	return !bpf_map_pop_elem(&free_connections, id) || closing_take(id) || unanswered_take(id);
}

/* Makes room among the tokens of the unanswered, where most stand for nothing any more: behind one
 * that lives and goes on, as that of a client that only sends, none is taken away in time. Those
 * that live go to the end. */
static __noinline void token_make_room(void)
{
	struct flow head;

	for (int attempt = 0; attempt < TOKEN_ATTEMPTS; attempt++) {
		struct connection *connection;

		if (bpf_map_pop_elem(&unanswered, &head))
			break;
		connection = connection_live(&head);
		if (!connection || connection_is_answered(connection))
			break;
		bpf_map_push_elem(&unanswered, &head, BPF_ANY);
	}
}

/* Gives a new connection its token, and takes away what is at the head and needs none any more. */
static __always_inline void token_add(__u32 id, __u32 generation)
{
	struct flow token = {.connection = id, .generation = generation};
	struct flow head;

	for (int attempt = 0; attempt < 2; attempt++) {
		struct connection *connection;

		if (bpf_map_peek_elem(&unanswered, &head))
			break;
		connection = connection_live(&head);
		if (connection && !connection_is_answered(connection))
			break;
		if (bpf_map_pop_elem(&unanswered, &head))
			break;
		connection = connection_live(&head);
		/* Another CPU took the one that was looked at. */
		if (connection && !connection_is_answered(connection))
			bpf_map_push_elem(&unanswered, &head, BPF_ANY);
	}
	if (!bpf_map_push_elem(&unanswered, &token, BPF_ANY))
		return;
	/* Where there is none, it is the controller that frees this one, long after its end. */
	token_make_room();
	bpf_map_push_elem(&unanswered, &token, BPF_ANY);
}

#endif
