// The steps by which an image was built, each with the layer that it made. Pure.

import type { Descriptor } from '../../core/index.ts';
import type { HistoryEntry } from '../../registry/index.ts';

export interface BuildStep {
  readonly created?: string;
  readonly createdBy?: string;
  readonly comment?: string;
  /** Absent: the step made none. */
  readonly layer?: Descriptor;
}

/**
 * The config's history beside the manifest's layers. Histories are optional and some do not fit their layers: then
 * nothing says which step made which layer, `fits` is false, and the layers stand by themselves after the steps.
 */
export function buildSteps(
  history: readonly HistoryEntry[],
  layers: readonly Descriptor[],
): { readonly steps: readonly BuildStep[]; readonly fits: boolean } {
  const fits = history.filter(entry => entry.empty_layer !== true).length === layers.length;
  let next = 0;
  const steps = history.map(({ created, created_by: createdBy, comment, empty_layer: isEmpty }) => {
    const layer = fits && isEmpty !== true ? layers[next++] : undefined;
    return {
      ...(created !== undefined && { created }),
      ...(createdBy !== undefined && { createdBy }),
      ...(comment !== undefined && { comment }),
      ...(layer !== undefined && { layer }),
    };
  });
  return { steps: fits ? steps : [...steps, ...layers.map(layer => ({ layer }))], fits };
}

/** What made the layer at this position, if the history tells. */
export function creatorOf(
  history: readonly HistoryEntry[],
  layers: readonly Descriptor[],
  at: number,
): string | undefined {
  const { steps, fits } = buildSteps(history, layers);
  return fits ? steps.filter(({ layer }) => layer !== undefined)[at]?.createdBy : undefined;
}
