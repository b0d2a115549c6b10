import { inputsOf } from '../graph/index.ts';
import { addon } from '../native/addon.ts';
import type { NativeExecutor, NativePlan } from '../native/addon-types.ts';
import type { BuiltPlan, ConstantStore, Stage } from '../plan/index.ts';
import type { DType } from '../tensor/index.ts';
import type { Tuning } from './decisions.ts';
import { PlanCache } from './plan-cache.ts';
import { wholeShape } from './plan-description.ts';
import { type PlannedRequest, Planner, type Shapes } from './planner.ts';

/** A plan for one part of a request's batch, or for all of it. */
export interface Plan {
  readonly built: BuiltPlan;
  readonly native: NativePlan;
}

/** How requests of some shapes are computed. */
export interface RequestPlan extends Plan {
  readonly planned: PlannedRequest;
  /** What the plan returns. */
  readonly results: readonly { readonly dtype: DType; readonly shape: readonly number[] }[];
}

/** Each plan costs the code of its primitives. Weights are shared, and batches of several sizes may share a plan. */
const maxPlans = 32;

/** What the stages of a model share. */
export interface PlanMaker {
  readonly executor: NativeExecutor;
  readonly constants: ConstantStore;
  readonly tuning: Tuning;
  readonly threadsPerStream: number;
}

/** The plans of one stage of a model, by the shapes of its inputs. */
export class StagePlans {
  readonly #executor: NativeExecutor;
  readonly #planner: Planner;
  readonly #plans = new PlanCache<Plan>(maxPlans, (plan) => this.#release(plan));
  /** Plans that had to make room, perhaps before a request that waited for one could use it. */
  readonly #released = new WeakSet<NativePlan>();
  #latest: RequestPlan | undefined;

  constructor({ module }: Stage, { executor, constants, tuning, threadsPerStream }: PlanMaker) {
    this.#executor = executor;
    this.#planner = new Planner(module, inputsOf(module), constants, tuning, threadsPerStream);
  }

  /** The plan used last. */
  get latest(): RequestPlan | undefined {
    return this.#latest;
  }

  /** How requests of these shapes are computed. */
  planned(shapes: Shapes): PlannedRequest {
    return this.#planner.plan(shapes);
  }

  /** Whether a batch can be computed in parts of any size. */
  get keepsSamplesApart(): boolean {
    return this.#planner.keepsSamplesApart;
  }

  /** How `count` requests of these shapes are computed at once, each for itself. */
  plannedApart(shapes: Shapes, count: number): PlannedRequest {
    return this.#planner.planApart(shapes, count);
  }

  /** The plan, if it is ready. */
  ready(planned: PlannedRequest): RequestPlan | undefined {
    if (this.#latest?.planned === planned) return this.#latest;
    const plan = this.#plans.ready(planned.key);
    return plan && this.#used(planned, plan);
  }

  /** The plan, compiled now if it is not ready. It may have had to make room in the meantime: {@link isReleased} says so. */
  async compile(planned: PlannedRequest, arrival: number): Promise<RequestPlan> {
    return this.#used(planned, await this.#plans.get(planned.key, () => this.make(planned, arrival)));
  }

  /** A new plan, which the caller keeps. */
  async make(planned: PlannedRequest, arrival: number): Promise<Plan> {
    const built = planned.build();
    return { built, native: await this.#executor.compile(built.desc, arrival) };
  }

  /** Like {@link compile}, but blocks. */
  compileSync(shapes: Shapes): RequestPlan {
    const planned = this.planned(shapes);
    const ready = this.ready(planned);
    if (ready) return ready;
    const built = planned.build();
    const plan = { built, native: this.#executor.compileSync(built.desc) };
    this.#plans.set(planned.key, plan);
    return this.#used(planned, plan);
  }

  isReleased({ native }: RequestPlan): boolean {
    return this.#released.has(native);
  }

  clear(): void {
    this.#plans.clear();
    this.#latest = undefined;
  }

  #used(planned: PlannedRequest, plan: Plan): RequestPlan {
    const results = plan.built.desc.outputs.map(({ dtype, shape }) => {
      return { dtype, shape: wholeShape(shape, planned.parts) };
    });
    this.#latest = { ...plan, planned, results };
    return this.#latest;
  }

  /** A garbage collection would come late: it does not know how much memory a small handle stands for. */
  #release({ native }: Plan): void {
    this.#released.add(native);
    if (this.#latest?.native === native) this.#latest = undefined;
    addon.releasePlan(native);
  }
}
