import type { ModuleFrame, NodeMeta } from '../../../graph/index.ts';

/**
 * The modules that a node was traced in, as far as its name tells: PyTorch writes `/layer1/layer1.0/conv1/Conv` for the
 * module `layer1.0.conv1`.
 */
export function moduleStackOf(nodeName: string): Pick<NodeMeta, 'nnModuleStack'> {
  if (!nodeName.startsWith('/')) return {};
  const scopes = nodeName.split('/').slice(1, -1);
  const frames: ModuleFrame[] = [{ path: '', type: '' }];
  for (const scope of scopes) {
    const around = frames.at(-1)!.path;
    const isWhole = around === '' || scope.startsWith(`${around}.`);
    frames.push({ path: isWhole ? scope : `${around}.${scope}`, type: '' });
  }
  return { nnModuleStack: frames };
}
