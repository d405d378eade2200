namespace EbpfProxy.Options;

/// <summary>The names of the gates of Kubernetes 1.30 to 1.36.</summary>
internal static class KubernetesGateNames
{
    private const string Names =
        """
        AllAlpha AllBeta
        APIListChunking APIResponseCompression APISelfSubjectReview APIServerIdentity APIServerTracing APIServingWithRoutine
        AdmissionWebhookMatchConditions AggregatedDiscoveryEndpoint AggregatedDiscoveryRemoveBetaType AllowDNSOnlyNodeCSR
        AllowInsecureKubeletCertificateSigningRequests AllowOverwriteTerminationGracePeriodSeconds
        AllowParsingUserUIDFromCertAuth AllowServiceLBStatusOnNonLB AllowUnsafeMalformedObjectDeletion
        AnonymousAuthConfigurableEndpoints AnyVolumeDataSource AppArmor AppArmorFields AtomicFIFO AuthorizeNodeWithSelectors
        AuthorizePodWebsocketUpgradeCreatePermission AuthorizeWithSelectors BtreeWatchCache CBORServingAndStorage CPUManager
        CPUManagerPolicyAlphaOptions CPUManagerPolicyBetaOptions CPUManagerPolicyOptions CRDObservedGenerationTracking
        CRDValidationRatcheting CRIListStreaming CSIMigrationPortworx CSINodeExpandSecret CSIServiceAccountTokenSecrets
        CSIVolumeHealth ChangeContainerStatusOnKubeletRestart ClearingNominatedNodeNameAfterBinding ClientsAllowCARotation
        ClientsAllowCBOR ClientsAllowTLSCacheGC ClientsPreferCBOR CloudControllerManagerWatchBasedRoutesReconciliation
        CloudControllerManagerWebhook CloudDualStackNodeIPs ClusterTrustBundle ClusterTrustBundleProjection ComponentFlagz
        ComponentSLIs ComponentStatusz ConcurrentWatchObjectDecode ConsistentHTTPGetHandlers ConsistentListFromCache
        ConstrainedImpersonation ContainerCheckpoint ContainerRestartRules ContainerStopSignals ContextualLogging
        CoordinatedLeaderElection CronJobsScheduledAnnotation CrossNamespaceVolumeDataSource CustomCPUCFSQuotaPeriod
        CustomResourceFieldSelectors CustomResourceValidationExpressions DRAAdminAccess DRAConsumableCapacity
        DRAControlPlaneController DRADeviceBindingConditions DRADeviceTaintRules DRADeviceTaints DRAExtendedResource
        DRAPartitionableDevices DRAPrioritizedList DRAResourceClaimDeviceStatus DRASchedulerFilterTimeout
        DeclarativeValidation DeclarativeValidationBeta DeclarativeValidationTakeover
        DefaultHostNetworkHostPortsInPodTemplates DeploymentReplicaSetTerminatingReplicas DetectCacheInconsistency
        DevicePluginCDIDevices DisableAllocatorDualWrite DisableCPUQuotaWithExclusiveCPUs DisableCloudProviders
        DisableKubeletCloudCredentialProviders DisableNodeKubeProxyVersion DynamicResourceAllocation
        EfficientWatchResumption ElasticIndexedJob EnvFiles EventedPLEG ExecProbeTimeout ExternalServiceAccountTokenSigner
        GangScheduling GenericWorkload GitRepoVolumeDriver GracefulNodeShutdown GracefulNodeShutdownBasedOnPodPriority
        HPAConfigurableTolerance HPAContainerMetrics HPAScaleToZero HonorPVReclaimPolicy HostnameOverride ImageMaximumGCAge
        ImageVolume ImageVolumeWithDigest InOrderInformers InOrderInformersBatchProcess
        InPlacePodLevelResourcesVerticalScaling InPlacePodVerticalScaling InPlacePodVerticalScalingAllocatedStatus
        InPlacePodVerticalScalingExclusiveCPUs InPlacePodVerticalScalingExclusiveMemory InTreePluginPortworxUnregister
        InformerResourceVersion JobBackoffLimitPerIndex JobManagedBy JobPodFailurePolicy JobPodReplacementPolicy
        JobReadyPods JobSuccessPolicy KMSv1 KMSv2 KMSv2KDF KubeProxyDrainingTerminatingNodes KubeletCgroupDriverFromCRI
        KubeletCrashLoopBackOffMax KubeletEnsureSecretPulledImages KubeletFineGrainedAuthz KubeletInUserNamespace KubeletPSI
        KubeletPodResourcesDynamicResources KubeletPodResourcesGet KubeletPodResourcesListUseActivePods
        KubeletRegistrationGetOnExistsOnly KubeletSeparateDiskGC KubeletServiceAccountTokenForCredentialProviders
        KubeletTracing LegacyServiceAccountTokenCleanUp ListFromCacheSnapshot LoadBalancerIPMode
        LocalStorageCapacityIsolationFSQuotaMonitoring LogarithmicScaleDown LoggingAlphaOptions LoggingBetaOptions
        ManifestBasedAdmissionControlConfig MatchLabelKeysInPodAffinity MatchLabelKeysInPodTopologySpread
        MatchLabelKeysInPodTopologySpreadSelectorMerge MaxUnavailableStatefulSet MemoryManager MemoryQoS
        MinDomainsInPodTopologySpread MinimizeIPTablesRestore MutableCSINodeAllocatableCount MutablePVNodeAffinity
        MutablePodResourcesForSuspendedJobs MutableSchedulingDirectivesForSuspendedJobs MutatingAdmissionPolicy
        NativeHistograms NewVolumeManagerReconstruction NodeDeclaredFeatures NodeInclusionPolicyInPodTopologySpread
        NodeLogQuery NodeOutOfServiceVolumeDetach NodeSwap NominatedNodeNameForExpectation OpenAPIEnums
        OpportunisticBatching OrderedNamespaceDeletion PDBUnhealthyPodEvictionPolicy PersistentVolumeLastPhaseTransitionTime
        PodAndContainerStatsFromCRI PodCertificateRequest PodDeletionCost PodDisruptionConditions PodHostIPs PodIndexLabel
        PodLevelResources PodLifecycleSleepAction PodLifecycleSleepActionAllowZero PodLogsQuerySplitStreams
        PodObservedGenerationTracking PodReadyToStartContainersCondition PodSchedulingReadiness PodTopologyLabelsAdmission
        PortForwardWebsockets PreventStaticPodAPIReferences ProcMountType QOSReserved ReadWriteOncePod
        RecoverVolumeExpansionFailure RecursiveReadOnlyMounts ReduceDefaultCrashLoopBackOffDecay RelaxedDNSSearchValidation
        RelaxedEnvironmentVariableValidation RelaxedServiceNameValidation ReloadKubeletServerCertificateFile
        RemainingItemCount RemoteRequestHeaderUID ResilientWatchCacheInitialization ResourceHealthStatus
        ResourceHealthStatusMessage RestartAllContainersOnContainerExits RetryGenerateName RotateKubeletServerCertificate
        RuntimeClassInImageCriApi SELinuxChangePolicy SELinuxMount SELinuxMountReadWriteOncePod SchedulerAsyncAPICalls
        SchedulerAsyncPreemption SchedulerPopFromBackoffQ SchedulerQueueingHints SecurityContextDeny SeparateCacheWatchRPC
        SeparateTaintEvictionController ServerSideApply ServerSideFieldValidation ServiceAccountNodeAudienceRestriction
        ServiceAccountTokenJTI ServiceAccountTokenNodeBinding ServiceAccountTokenNodeBindingValidation
        ServiceAccountTokenPodNodeInfo ServiceNodePortStaticSubrange ServiceTrafficDistribution ShardedListAndWatch
        SidecarContainers SizeBasedListCostEstimate SizeMemoryBackedVolumes StableLoadBalancerNodeSet
        StatefulSetAutoDeletePVC StatefulSetSemanticRevisionComparison StatefulSetStartOrdinal StorageCapacityScoring
        StorageNamespaceIndex StorageVersionAPI StorageVersionHash StorageVersionMigrator StreamingCollectionEncodingToJSON
        StreamingCollectionEncodingToProtobuf StrictCostEnforcementForVAP StrictCostEnforcementForWebhooks
        StrictIPCIDRValidation StructuredAuthenticationConfiguration StructuredAuthenticationConfigurationEgressSelector
        StructuredAuthenticationConfigurationJWKSMetrics StructuredAuthorizationConfiguration SupplementalGroupsPolicy
        SystemdWatchdog TaintTolerationComparisonOperators TokenRequestServiceAccountUIDValidation TopologyAwareHints
        TopologyAwareWorkloadScheduling TopologyManagerPolicyAlphaOptions TopologyManagerPolicyBetaOptions
        TopologyManagerPolicyOptions TranslateStreamCloseWebsocketRequests UnauthenticatedHTTP2DOSMitigation
        UnknownVersionInteroperabilityProxy UnlockWhileProcessingFIFO UserNamespacesHostNetworkSupport
        UserNamespacesPodSecurityStandards UserNamespacesSupport ValidatingAdmissionPolicy VolumeAttributesClass
        VolumeCapacityPriority VolumeLimitScaling WatchBookmark WatchCacheInitializationPostStartHook
        WatchFromStorageWithoutResourceVersion WatchList WatchListClient WinDSR WinOverlay WindowsCPUAndMemoryAffinity
        WindowsGracefulNodeShutdown WindowsHostNetwork WindowsHostProcessContainers WorkloadAwarePreemption WorkloadWithJob
        ZeroLimitedNominalConcurrencyShares
        """;

    public static IReadOnlyList<string> All { get; } = Names.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
