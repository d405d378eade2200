/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef EBPF_PROXY_ADDRESS_H
#define EBPF_PROXY_ADDRESS_H

#include <bpf/bpf_endian.h>

#include "table.h"

static __always_inline struct address address_from_ipv4(__be32 ipv4)
{
	return (struct address){{0, 0, bpf_htonl(0x0000ffff), ipv4}};
}

static __always_inline bool address_is_ipv4(const struct address *address)
{
	return !(address->word[0] | address->word[1]) && address->word[2] == bpf_htonl(0x0000ffff);
}

static __always_inline bool address_is_any(const struct address *address)
{
	return !(address->word[0] | address->word[1] | address->word[3]) &&
	       (!address->word[2] || address->word[2] == bpf_htonl(0x0000ffff));
}

static __always_inline bool ipv4_is_loopback(__be32 ipv4)
{
	return (ipv4 & bpf_htonl(0xff000000)) == bpf_htonl(0x7f000000);
}

/* ::1, or one of 127.0.0.0/8. */
static __always_inline bool address_is_loopback(const struct address *address)
{
	if (address_is_ipv4(address))
		return ipv4_is_loopback(address->word[3]);
	return !(address->word[0] | address->word[1] | address->word[2]) &&
	       address->word[3] == bpf_htonl(1);
}

static __always_inline struct address address_loopback(bool is_ipv4)
{
	return is_ipv4 ? address_from_ipv4(bpf_htonl(0x7f000001))
		       : (struct address){{0, 0, 0, bpf_htonl(1)}};
}

/* The unspecified address of the same family. */
static __always_inline struct address address_any(const struct address *address)
{
	return address_is_ipv4(address) ? address_from_ipv4(0) : (struct address){};
}

static __always_inline bool address_equal(const struct address *a, const struct address *b)
{
	return !((a->word[0] ^ b->word[0]) | (a->word[1] ^ b->word[1]) | (a->word[2] ^ b->word[2]) |
		 (a->word[3] ^ b->word[3]));
}

/* Half of an address, for functions that can take nothing but numbers. */
static __always_inline __u64 address_half(const struct address *address, int half)
{
	return (__u64)address->word[2 * half] << 32 | address->word[2 * half + 1];
}

static __always_inline struct address address_from_halves(__u64 first, __u64 second)
{
	return (struct address){
		{first >> 32, (__u32)first, second >> 32, (__u32)second},
	};
}

/* What an address is, as enum address_role; 0 on a miss. */
static __always_inline __u32 address_roles(const struct address *address)
{
	struct address_info *info = table_lookup(&addresses_slot, address);

	return info ? READ_ONCE(info->roles) : 0;
}

#endif
