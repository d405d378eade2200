/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EBPF_PROXY_SERVICE_H
#define EBPF_PROXY_SERVICE_H

#include "backend.h"

/* What a class of traffic gets, read at once: VERDICT_NONE where the id is not in the table. */
static __always_inline struct traffic traffic_read(const struct traffic *traffic)
{
	union {
		word_t word;
		struct traffic traffic;
	} copy = {.word = READ_ONCE(*(const word_t *)traffic)};

	return copy.traffic;
}

/* Chooses the backend of a set that a random number falls on, each as likely as any other; false
 * where the set or the backend is no longer there. */
static __always_inline bool set_pick(struct traffic traffic, __u32 service, __u32 random,
				     struct choice *choice)
{
	__u32 ordinal = (__u64)random * traffic.count >> 32;
	__u32 place = traffic.set + ordinal;
	const __u32 *id;

	/* First: 5.10 has no stack left to keep the verdict until the rest is known. */
	choice->is_local = traffic.verdict == VERDICT_LOCAL;
	id = table_lookup(&sets_slot, &place);
	return id && backend_choose(READ_ONCE(*id), service, choice);
}

/* Where traffic to an external frontend comes from. */
enum origin {
	ORIGIN_NEAR, /* a pod of this node or the node itself */
	ORIGIN_FAR,
};

/* NULL where there is no such id. */
static __always_inline const struct service *service_at(__u32 id)
{
	return table_lookup(&services_slot, &id);
}

/* What traffic through a frontend gets. */
static __always_inline struct traffic
service_traffic(const struct service *service, const struct frontend *frontend, enum origin origin)
{
	return traffic_read(frontend->kind == FRONTEND_CLUSTER_IP ? &service->internal
			    : origin == ORIGIN_NEAR		  ? &service->external_near
								  : &service->external);
}

/* Chooses a backend for traffic through a frontend of a service: REASON_TRANSLATED, or why there is
 * none. A service that is gone is refused like a port that nobody has: its frontend goes with it,
 * and until then nothing shall leave the node with an address that was a service's. */
static __always_inline enum reason service_pick(const struct service *service,
						const struct frontend *frontend, enum origin origin,
						__u32 random, struct choice *choice)
{
	if (!service)
		return REASON_UNKNOWN_PORT;
	/* A set that was replaced after its word was read may be gone: read again, once. */
	for (int attempt = 0; attempt < 2; attempt++) {
		struct traffic traffic = service_traffic(service, frontend, origin);

		if (traffic.verdict == VERDICT_NONE)
			return REASON_UNKNOWN_PORT;
		if (traffic.verdict == VERDICT_DROP)
			return REASON_NO_LOCAL_ENDPOINT;
		if (traffic.verdict == VERDICT_REFUSE || !traffic.count)
			return REASON_NO_ENDPOINT;
		if (set_pick(traffic, frontend->service, random, choice))
			return REASON_TRANSLATED;
	}
	return REASON_STALE_SET;
}

/* Whether nobody serves a service, or it is gone: who talks to a backend that left is let go on, as
 * with kube-proxy, because no other could answer. */
static __always_inline bool service_has_nobody(__u32 id)
{
	const struct service *service = table_lookup(&services_slot, &id);
	__u8 verdict;

	if (!service)
		return true;
	verdict = traffic_read(&service->internal).verdict;
	return verdict == VERDICT_NONE || verdict == VERDICT_REFUSE;
}

/* Whether external traffic of a service is under policy Local. */
static __always_inline bool service_is_external_local(__u32 id)
{
	const struct service *service = service_at(id);
	__u8 verdict;

	if (!service)
		return false;
	verdict = traffic_read(&service->external).verdict;
	return verdict == VERDICT_LOCAL || verdict == VERDICT_DROP;
}

#endif
