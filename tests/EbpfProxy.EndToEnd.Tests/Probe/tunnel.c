// SPDX-License-Identifier: Apache-2.0
/* What is at the other end of a device whose packets have no link header: each packet of UDP comes
 * back, with its ends changed for each other. */
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "probe.h"

#define PACKET_SIZE 2048

static void exchange(unsigned char *one, unsigned char *other, size_t size)
{
	unsigned char kept[16];

	memcpy(kept, one, size);
	memcpy(one, other, size);
	memcpy(other, kept, size);
}

/* No checksum changes by it. */
static void turn(unsigned char *packet)
{
	bool is_ipv4 = packet[0] >> 4 == 4;
	size_t size = is_ipv4 ? 4 : 16, addresses = is_ipv4 ? 12 : 8;
	unsigned char *ports = packet + (is_ipv4 ? 20 : 40);

	exchange(packet + addresses, packet + addresses + size, size);
	exchange(ports, ports + 2, 2);
}

/* tunnel DEVICE: until it is killed, and the device with it. */
int tunnel_main(int argc, char **argv)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	unsigned char packet[PACKET_SIZE];
	ssize_t got;
	int fd;

	if (argc < 1 || strlen(argv[0]) >= sizeof(request.ifr_name))
		return 2;
	strcpy(request.ifr_name, argv[0]);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (tried("open", fd) < 0 || tried("ioctl", ioctl(fd, TUNSETIFF, &request)) < 0)
		return report_error();
	puts("ready");
	while ((got = read(fd, packet, sizeof(packet))) > 0) {
		unsigned char protocol = packet[0] >> 4 == 4 ? packet[9] : packet[6];

		if (protocol != IPPROTO_UDP)
			continue;
		turn(packet);
		if (write(fd, packet, (size_t)got) < 0)
			break;
	}
	return report_error();
}
