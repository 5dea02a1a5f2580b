import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { share, type Lane, type Room } from "../../worker/engine/share-slots.ts";

const lane = (task_type: string, more: Partial<Lane> = {}): Lane => ({
  task_type,
  priority: 0,
  run_at: "",
  task_id: "1",
  due_since: 0,
  is_aged: false,
  is_suspect: false,
  ...more,
});
const rooms = (types: Record<string, Partial<Room>>) =>
  new Map(Object.entries(types).map(([type, room]) => [type, { room: Infinity, held: 0, served: 0, ...room }]));

describe("share", () => {
  it("is strict by priority", () => {
    const lanes = [lane("A", { priority: 1 }), lane("A", { priority: -1 }), lane("A")];
    expect(share(lanes, rooms({ A: {} }), 10, 0)).toEqual([0, 10, 0]);
  });

  it("gives what is aged its part first, the oldest before the others", () => {
    const lanes = [
      lane("A"),
      lane("A", { priority: 5, is_aged: true, due_since: 20 }),
      lane("A", { priority: 9, is_aged: true, due_since: 10 }),
    ];
    expect(share(lanes, rooms({ A: {} }), 8, 2)).toEqual([6, 0, 2]);
    expect(share(lanes, rooms({ A: {} }), 8, 0)).toEqual([8, 0, 0]);
  });

  it("lets types of one priority share, by what they hold already", () => {
    expect(share([lane("A"), lane("B")], rooms({ A: {}, B: {} }), 10, 0)).toEqual([5, 5]);
    expect(share([lane("A"), lane("B")], rooms({ A: { held: 4 }, B: {} }), 6, 0)).toEqual([1, 5]);
  });

  it("serves the type that was served longest ago when there is one hand", () => {
    const lanes = [lane("A"), lane("B")];
    expect(share(lanes, rooms({ A: { served: 2 }, B: { served: 1 } }), 1, 0)).toEqual([0, 1]);
    expect(share(lanes, rooms({ A: { served: 2 }, B: { served: 3 } }), 1, 0)).toEqual([1, 0]);
  });

  it("keeps a hand for each type that holds none, from any other and from any priority", () => {
    expect(share([lane("A")], rooms({ A: {}, B: {}, C: {} }), 10, 0)).toEqual([8]);
    expect(share([lane("A"), lane("B", { priority: 9 })], rooms({ A: {}, B: {} }), 10, 0)).toEqual([9, 1]);
    expect(share([lane("A", { is_aged: true }), lane("B")], rooms({ A: {}, B: {} }), 2, 2)).toEqual([1, 1]);
  });

  it("keeps no more hands than it is told to, however many types hold none", () => {
    const many = rooms({ A: {}, B: {}, C: {}, D: {}, E: {} });
    expect(share([lane("A")], many, 8, 0, 2)).toEqual([6]);
    expect(share([lane("A"), lane("B"), lane("C"), lane("D")], many, 8, 0, 2)).toEqual([2, 2, 2, 1]);
  });

  it("gives no type more than its room", () => {
    expect(share([lane("A"), lane("B")], rooms({ A: { room: 2 }, B: {} }), 10, 0)).toEqual([2, 8]);
    expect(share([lane("A", { is_aged: true })], rooms({ A: { room: 0 } }), 10, 10)).toEqual([0]);
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
    held: fc.integer({ min: 0, max: 3 }),
    served: fc.nat(9),
  });
  const anyRooms = fc
    .tuple(anyRoom, anyRoom, anyRoom, anyRoom)
    .map((all) => new Map(all.map((room, n) => [types[n]!, room])));

  it("never gives more than there is, nor leaves a hand idle that a type may have", () => {
    fc.assert(
      fc.property(anyLanes, anyRooms, fc.nat(12), fc.nat(12), (lanes, rooms, hands, aged) => {
        const before = structuredClone(rooms);
        const quotas = share(lanes, rooms, hands, aged);
        const given = (type: string) =>
          quotas.reduce((sum, quota, n) => sum + (lanes[n]!.task_type === type ? quota : 0), 0);
        const left = hands - quotas.reduce((sum, quota) => sum + quota, 0);
        const idle = types.filter((type) => rooms.get(type)!.held + given(type) === 0);

        expect(rooms).toEqual(before);
        expect(quotas).toHaveLength(lanes.length);
        expect(left).toBeGreaterThanOrEqual(0);
        for (const type of types) {
          const { room, held } = rooms.get(type)!;
          expect(given(type)).toBeLessThanOrEqual(room);
          const isWanting = lanes.some(({ task_type }) => task_type === type) && given(type) < room;
          // A hand that is left is one that is kept for a type that holds nothing.
          const kept = held + given(type) === 0 ? 0 : idle.length;
          expect(isWanting ? left : 0).toBeLessThanOrEqual(kept);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
