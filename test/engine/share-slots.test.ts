import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Lane } from "../../worker/engine/lanes.ts";
import { shareSlots, type Room } from "../../worker/engine/claim.ts";

const lane = (task_type: string, more: Partial<Lane> = {}): Lane => ({
  task_type,
  priority: 0,
  run_at: "",
  task_id: "1",
  due_since: 0,
  is_aged: false,
  ...more,
});
const rooms = (types: Record<string, Partial<Room>>) =>
  new Map(Object.entries(types).map(([type, room]) => [type, { room: Infinity, running: 0, served: 0, ...room }]));

describe("shareSlots", () => {
  it("is strict by priority", () => {
    const lanes = [lane("A", { priority: 1 }), lane("A", { priority: -1 }), lane("A")];
    expect(shareSlots(lanes, rooms({ A: {} }), { free: 10, aged: 0 })).toEqual([0, 10, 0]);
  });

  it("gives what is aged its part first, the oldest before the others", () => {
    const lanes = [
      lane("A"),
      lane("A", { priority: 5, is_aged: true, due_since: 20 }),
      lane("A", { priority: 9, is_aged: true, due_since: 10 }),
    ];
    expect(shareSlots(lanes, rooms({ A: {} }), { free: 8, aged: 2 })).toEqual([6, 0, 2]);
    expect(shareSlots(lanes, rooms({ A: {} }), { free: 8, aged: 0 })).toEqual([8, 0, 0]);
  });

  it("lets types of one priority share, by what they have running", () => {
    expect(shareSlots([lane("A"), lane("B")], rooms({ A: {}, B: {} }), { free: 10, aged: 0 })).toEqual([5, 5]);
    expect(shareSlots([lane("A"), lane("B")], rooms({ A: { running: 4 }, B: {} }), { free: 6, aged: 0 })).toEqual([
      1, 5,
    ]);
  });

  it("serves the type that was served longest ago when there is one slot", () => {
    const lanes = [lane("A"), lane("B")];
    expect(shareSlots(lanes, rooms({ A: { served: 2 }, B: { served: 1 } }), { free: 1, aged: 0 })).toEqual([0, 1]);
    expect(shareSlots(lanes, rooms({ A: { served: 2 }, B: { served: 3 } }), { free: 1, aged: 0 })).toEqual([1, 0]);
  });

  it("keeps a slot for each type that has nothing running, from any other and from any priority", () => {
    expect(shareSlots([lane("A")], rooms({ A: {}, B: {}, C: {} }), { free: 10, aged: 0 })).toEqual([8]);
    expect(shareSlots([lane("A"), lane("B", { priority: 9 })], rooms({ A: {}, B: {} }), { free: 10, aged: 0 })).toEqual(
      [9, 1],
    );
    expect(
      shareSlots([lane("A", { is_aged: true }), lane("B")], rooms({ A: {}, B: {} }), { free: 2, aged: 2 }),
    ).toEqual([1, 1]);
  });

  it("keeps no more slots than it may, however many types have nothing running", () => {
    const many = rooms({ A: {}, B: {}, C: {}, D: {}, E: {} });
    expect(shareSlots([lane("A")], many, { free: 8, aged: 0, mostReserved: 2 })).toEqual([6]);
    expect(
      shareSlots([lane("A"), lane("B"), lane("C"), lane("D")], many, { free: 8, aged: 0, mostReserved: 2 }),
    ).toEqual([2, 2, 2, 1]);
  });

  it("gives no type more than its room", () => {
    expect(shareSlots([lane("A"), lane("B")], rooms({ A: { room: 2 }, B: {} }), { free: 10, aged: 0 })).toEqual([2, 8]);
    expect(shareSlots([lane("A", { is_aged: true })], rooms({ A: { room: 0 } }), { free: 10, aged: 10 })).toEqual([0]);
  });

  const types = ["A", "B", "C", "D"];
  const anyLanes = fc.array(
    fc
      .record({
        task_type: fc.constantFrom(...types),
        priority: fc.integer({ min: -2, max: 2 }),
        due_since: fc.integer({ min: 0, max: 9 }),
        is_aged: fc.boolean(),
      })
      .map(({ task_type, ...more }) => lane(task_type, more)),
    { maxLength: 8 },
  );
  const anyRoom = fc.record({
    room: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(Infinity)),
    running: fc.integer({ min: 0, max: 3 }),
    served: fc.nat(9),
  });
  const anyRooms = fc
    .tuple(anyRoom, anyRoom, anyRoom, anyRoom)
    .map((all) => new Map(all.map((room, n) => [types[n]!, room])));

  it("never gives more than there is, nor leaves a slot idle that a type may have", () => {
    fc.assert(
      fc.property(anyLanes, anyRooms, fc.nat(12), fc.nat(12), (lanes, rooms, slots, aged) => {
        const before = structuredClone(rooms);
        const quotas = shareSlots(lanes, rooms, { free: slots, aged });
        const given = (type: string) =>
          quotas.reduce((sum, quota, n) => sum + (lanes[n]!.task_type === type ? quota : 0), 0);
        const left = slots - quotas.reduce((sum, quota) => sum + quota, 0);
        const idle = types.filter((type) => rooms.get(type)!.running + given(type) === 0);

        expect(rooms).toEqual(before);
        expect(quotas).toHaveLength(lanes.length);
        expect(left).toBeGreaterThanOrEqual(0);
        for (const type of types) {
          const { room, running } = rooms.get(type)!;
          expect(given(type)).toBeLessThanOrEqual(room);
          const isWanting = lanes.some(({ task_type }) => task_type === type) && given(type) < room;
          // A slot that is left is kept for a type that has nothing running.
          const kept = running + given(type) === 0 ? 0 : idle.length;
          expect(isWanting ? left : 0).toBeLessThanOrEqual(kept);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("takes time in proportion to the slots, however many lanes there are", () => {
    const seconds = (count: number) => {
      const lanes = Array.from({ length: count }, (_, n) => lane(`T${n}`));
      const types = rooms(Object.fromEntries(lanes.map(({ task_type }) => [task_type, {}])));
      const times = Array.from({ length: 9 }, () => {
        const start = performance.now();
        shareSlots(lanes, types, { free: 20_000, aged: 0 });
        return performance.now() - start;
      });
      return Math.min(...times);
    };
    expect(seconds(1600) / seconds(200)).toBeLessThan(4);
  });
});
