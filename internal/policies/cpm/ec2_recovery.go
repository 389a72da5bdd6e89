package cpm

import "permstack/internal/policies/schema"

// launchingWorkers are the operations for which the server launches a worker: an
// instance named CPMWorkerMachine that copies or explores and is then terminated.
var launchingWorkers = doing(copyToS3, archive, s3Sync, fileLevelRecovery)

// recovering is what needs instances and volumes to be made.
var recovering = either(to(ec2, recovery), launchingWorkers)

// ec2Recovery is the capability Recovery and what BackupCore has for it.
var ec2Recovery = []schema.Statement{
	{
		Sid:     "LaunchInstances",
		Why:     "launch a recovered instance or a worker, with the network, keys and placement that were chosen",
		For:     recovering,
		Actions: []string{"ec2:RunInstances"},
		Resources: []string{
			images, snapshots, instances, volumes, interfaces, subnets, securityGroups,
			reachEC2 + "key-pair/*", reachEC2 + "placement-group/*",
		},
	},
	{
		Sid:       "TagWhileLaunching",
		Why:       "name a recovered instance or a worker as part of launching it, never later",
		For:       recovering,
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{instances},
		When:      whileLaunching,
		Note:      "the vendor tags any instance at any time; whoever can put the worker's name on an instance can terminate it through TerminateWorkers",
	},
	{
		Sid:       "TagRecovered",
		Why:       "put the tags of the original on recovered volumes and interfaces",
		For:       recovering,
		Actions:   []string{"ec2:CreateTags"},
		Resources: []string{volumes, interfaces},
	},
	{
		Sid: "RecoverVolumes",
		Why: "make volumes of snapshots and attach them, in place of others where that was asked for; delete them when recovery fails or a worker is done",
		For: recovering,
		Actions: []string{
			"ec2:AttachVolume", "ec2:CreateVolume", "ec2:DeleteVolume", "ec2:DetachVolume", "ec2:ModifyVolumeAttribute",
		},
		Resources: []string{volumes, snapshots, instances},
	},
	{
		Sid:       "AttachInterfaces",
		Why:       "give a recovered instance its further network interfaces",
		For:       recovering,
		Actions:   []string{"ec2:AttachNetworkInterface"},
		Resources: []string{instances, interfaces},
	},
	{
		Sid:       "StartAndStopInstances",
		Why:       "stop an instance while its volumes are replaced, and switch instances on and off where resource control asks for it",
		For:       either(recovering, to(ec2, resourceControl)),
		Actions:   []string{"ec2:StartInstances", "ec2:StopInstances"},
		Resources: []string{instances},
	},
	{
		Sid:       "AdjustInstances",
		Why:       "give a recovered instance the settings of the original",
		For:       recovering,
		Actions:   []string{"ec2:ModifyInstanceAttribute"},
		Resources: []string{instances, securityGroups, volumes},
	},
	{
		Sid:       "AddressInstances",
		Why:       "give a recovered instance an elastic address",
		For:       to(ec2, recovery),
		Actions:   []string{"ec2:AllocateAddress", "ec2:AssociateAddress"},
		Resources: []string{elasticIPs, instances, interfaces},
	},
	{
		Sid:       "OpenSecurityGroups",
		Why:       "let a worker be reached, and write the rules of a recovered security group",
		For:       either(recovering, doing(vpcCapture)),
		Actions:   []string{"ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"},
		Resources: []string{securityGroups},
	},
	{
		Sid:       "PassInstanceRoles",
		Why:       "give a recovered instance its role",
		For:       to(ec2, recovery),
		Actions:   []string{"iam:PassRole"},
		Resources: []string{anyRole},
		When:      passedTo("${EC2Service}"),
		Note:      "any role of the account, as any may be on the instance that was backed up; to EC2 only",
	},
	{
		Sid:       "PassWorkerRole",
		Why:       "launch a worker with this role",
		For:       launchingWorkers,
		Actions:   []string{"iam:PassRole"},
		Resources: []string{"${roles:CPMRole}"},
		When:      passedTo("${EC2Service}"),
	},
}

// workers is the capability CPMWorkerTermination, with the vendor's one condition.
var workers = []schema.Statement{{
	Sid:       "TerminateWorkers",
	Why:       "terminate a worker when it is done; only instances that have the worker's name",
	For:       launchingWorkers,
	Actions:   []string{"ec2:TerminateInstances"},
	Resources: []string{instances},
	When:      onWorkers,
}}
