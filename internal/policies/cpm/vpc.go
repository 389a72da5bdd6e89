package cpm

import "permstack/internal/policies/schema"

const (
	vpcs          = reachEC2 + "vpc/*"
	networkACLs   = reachEC2 + "network-acl/*"
	routeTables   = reachEC2 + "route-table/*"
	prefixLists   = reachEC2 + "prefix-list/*"
	vpnGateways   = reachEC2 + "vpn-gateway/*"
	vpnPeers      = reachEC2 + "customer-gateway/*"
	vpns          = reachEC2 + "vpn-connection/*"
	dhcpOptions   = reachEC2 + "dhcp-options/*"
	gateways      = reachEC2 + "internet-gateway/*"
	egress        = reachEC2 + "egress-only-internet-gateway/*"
	natGateways   = reachEC2 + "natgateway/*"
	peerings      = reachEC2 + "vpc-peering-connection/*"
	transits      = reachEC2 + "transit-gateway/*"
	attachments   = reachEC2 + "transit-gateway-attachment/*"
	transitTables = reachEC2 + "transit-gateway-route-table/*"
	multicast     = reachEC2 + "transit-gateway-multicast-domain/*"

	stacks = "arn:${Partition}:cloudformation:${Reach}:${Account}:stack/*/*"
)

// vpcStatements are the capability VPC without load balancers: capture the
// networks of an account, and make them anew with CloudFormation, which acts with
// the rights of the role.
var vpcStatements = []schema.Statement{
	{
		Sid: "CaptureNetworks",
		Why: "record networks and everything in them",
		For: doing(vpcCapture),
		Actions: []string{
			"ec2:DescribeCustomerGateways", "ec2:DescribeDhcpOptions", "ec2:DescribeEgressOnlyInternetGateways",
			"ec2:DescribeInternetGateways", "ec2:DescribeManagedPrefixLists", "ec2:DescribeNatGateways",
			"ec2:DescribeNetworkAcls", "ec2:DescribeRouteTables", "ec2:DescribeTransitGatewayAttachments",
			"ec2:DescribeTransitGatewayConnectPeers", "ec2:DescribeTransitGatewayConnects",
			"ec2:DescribeTransitGatewayMulticastDomains", "ec2:DescribeTransitGatewayPeeringAttachments",
			"ec2:DescribeTransitGatewayRouteTables", "ec2:DescribeTransitGatewayVpcAttachments",
			"ec2:DescribeTransitGateways", "ec2:DescribeVpcPeeringConnections", "ec2:DescribeVpnConnections",
			"ec2:DescribeVpnGateways", "ec2:GetTransitGatewayPrefixListReferences",
			"ec2:GetTransitGatewayRouteTableAssociations", "ec2:GetTransitGatewayRouteTablePropagations",
		},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid: "CaptureNetworkDetails",
		Why: "record attributes of networks, prefix lists and what transit gateways route",
		For: doing(vpcCapture),
		Actions: []string{
			"ec2:DescribeVpcAttribute", "ec2:GetManagedPrefixListAssociations", "ec2:GetManagedPrefixListEntries",
			"ec2:GetTransitGatewayMulticastDomainAssociations", "ec2:SearchTransitGatewayMulticastGroups",
			"ec2:SearchTransitGatewayRoutes",
		},
		Resources: []string{vpcs, prefixLists, multicast, transitTables},
	},
	{
		// One statement for all: an action takes the kinds that it is about and no
		// other, so listing them together grants nothing more and saves a document.
		Sid: "RebuildNetworks",
		Why: "make networks anew with subnets, routes, access lists, gateways, VPNs, peerings and transit gateways, with the tags of the original",
		For: doing(vpcCapture),
		Actions: []string{
			"ec2:AcceptVpcPeeringConnection", "ec2:AssociateDhcpOptions", "ec2:AssociateRouteTable",
			"ec2:AssociateTransitGatewayMulticastDomain", "ec2:AssociateTransitGatewayRouteTable",
			"ec2:AssociateVpcCidrBlock", "ec2:AttachInternetGateway", "ec2:AttachVpnGateway",
			"ec2:CreateCustomerGateway", "ec2:CreateDhcpOptions", "ec2:CreateEgressOnlyInternetGateway",
			"ec2:CreateInternetGateway", "ec2:CreateManagedPrefixList", "ec2:CreateNatGateway", "ec2:CreateNetworkAcl",
			"ec2:CreateNetworkAclEntry", "ec2:CreateRoute", "ec2:CreateRouteTable", "ec2:CreateSecurityGroup",
			"ec2:CreateSubnet", "ec2:CreateTags", "ec2:CreateTransitGateway", "ec2:CreateTransitGatewayConnect",
			"ec2:CreateTransitGatewayMulticastDomain", "ec2:CreateTransitGatewayPeeringAttachment",
			"ec2:CreateTransitGatewayPrefixListReference", "ec2:CreateTransitGatewayRoute",
			"ec2:CreateTransitGatewayRouteTable", "ec2:CreateTransitGatewayVpcAttachment", "ec2:CreateVpc",
			"ec2:CreateVpcPeeringConnection", "ec2:CreateVpnConnection", "ec2:CreateVpnConnectionRoute",
			"ec2:CreateVpnGateway", "ec2:EnableTransitGatewayRouteTablePropagation", "ec2:EnableVgwRoutePropagation",
			"ec2:ModifySubnetAttribute", "ec2:ModifyVpcAttribute", "ec2:RegisterTransitGatewayMulticastGroupMembers",
			"ec2:RegisterTransitGatewayMulticastGroupSources", "ec2:ReplaceNetworkAclAssociation",
			"ec2:RevokeSecurityGroupEgress",
		},
		Resources: []string{
			vpcs, subnets, securityGroups, networkACLs, routeTables, prefixLists, dhcpOptions, gateways, egress,
			natGateways, elasticIPs, vpnGateways, vpnPeers, vpns, peerings, transits, attachments, transitTables,
			multicast, interfaces,
		},
		Note: "tags on kinds of a network only: one on an instance could make it a worker, see TagWhileLaunching",
	},
	{
		Sid:       "MakeInterfaces",
		Why:       "make and adjust network interfaces, also those of a recovered file system",
		For:       either(doing(vpcCapture), to(efs, recovery)),
		Actions:   []string{"ec2:CreateNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute"},
		Resources: []string{interfaces, subnets, securityGroups, instances},
	},
	{
		Sid: "RunStacks",
		Why: "have CloudFormation make the networks anew, follow it, and take them back",
		For: doing(vpcCapture),
		Actions: []string{
			"cloudformation:CreateStack", "cloudformation:DeleteStack", "cloudformation:DescribeStackEvents",
			"cloudformation:DescribeStacks",
		},
		Resources: []string{stacks},
		Note:      "the vendor documents no name that its stacks begin with; CloudFormation acts with this role's rights, but deletes a stack that has a role of its own with that one",
	},
	{
		Sid:         "ListStacks",
		Why:         "list stacks and check a template before it is used",
		For:         doing(vpcCapture),
		Actions:     []string{"cloudformation:ListStacks", "cloudformation:ValidateTemplate"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
}
