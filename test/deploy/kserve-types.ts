import type { IIoK8sApimachineryPkgApisMetaV1ObjectMeta as ObjectMeta } from '@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodSpec } from 'kubernetes-models/v1/PodSpec';

/**
 * What KServe's manifests hold, as far as Octavo's do, after the schemas of KServe 0.20's custom resources
 * (`config/crd/full` in its repository). A pod's parts are Kubernetes' own.
 */
export interface ClusterServingRuntime {
  readonly apiVersion: 'serving.kserve.io/v1alpha1';
  readonly kind: 'ClusterServingRuntime';
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly containers: readonly IContainer[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly protocolVersions?: readonly Protocol[];
    readonly supportedModelFormats?: readonly {
      readonly name: string;
      readonly version?: string;
      readonly autoSelect?: boolean;
      readonly priority?: number;
    }[];
  };
}

export interface InferenceService {
  readonly apiVersion: 'serving.kserve.io/v1beta1';
  readonly kind: 'InferenceService';
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly predictor: Partial<Omit<IPodSpec, 'containers'>> & {
      readonly minReplicas?: number;
      readonly maxReplicas?: number;
      readonly model: Partial<IContainer> & {
        readonly modelFormat: { readonly name: string; readonly version?: string };
        readonly protocolVersion?: Protocol;
        readonly runtime?: string;
        readonly storageUri?: string;
      };
    };
  };
}

type Protocol = 'v1' | 'v2' | 'grpc-v1' | 'grpc-v2';
