//! The simple hourly method of ISO 13790 (5R1C): one room with one mass.

/// A room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Room {
    /// From the mass to outside, W/K.
    pub opaque: f64,
    /// Windows, W/K.
    pub windows: f64,
    /// Exchange of air, W/K.
    pub ventilation: f64,
    /// Between mass and surfaces, W/K.
    pub mass_to_surface: f64,
    /// Between surfaces and air, W/K.
    pub surface_to_air: f64,
    /// Capacity of the mass, J/K.
    pub capacity: f64,
    /// Area of the mass, m².
    pub mass_area: f64,
    /// Area of all surfaces, m².
    pub area: f64,
    /// What is kept: heated below the first, cooled above the second, °C.
    pub set: [f64; 2],
    /// The most that can be heated or cooled, W.
    pub most: f64,
}

/// What acts on a room for an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hour {
    /// Gains inside, W.
    pub internal: f64,
    /// Gains of the sun, W.
    pub solar: f64,
    /// Temperature outside, and of the air that is let in, °C.
    pub outside: f64,
}

/// A room after an hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hourly {
    /// Temperature of the mass at the end, °C.
    pub mass: f64,
    /// Mean temperature of the mass, °C.
    pub mean_mass: f64,
    /// Temperature of the air, °C.
    pub air: f64,
    /// Temperature of the surfaces, °C.
    pub surface: f64,
    /// Heating, or cooling as a negative number, W.
    pub demand: f64,
}

impl Room {
    /// The room after an hour that begins with a temperature of its mass, °C.
    pub fn after(&self, mass: f64, hour: Hour) -> Hourly {
        let free = self.with(mass, hour, 0.0);
        let wanted = match free.air {
            t if t < self.set[0] => self.set[0],
            t if t > self.set[1] => self.set[1],
            _ => return free,
        };
        // The air follows the heat linearly.
        let unit = self.with(mass, hour, 1000.0);
        let demand = 1000.0 * (wanted - free.air) / (unit.air - free.air);
        self.with(mass, hour, demand.clamp(-self.most, self.most))
    }

    fn with(&self, mass: f64, hour: Hour, demand: f64) -> Hourly {
        let Hour { internal, solar, outside } = hour;
        let share = self.mass_area / self.area;
        let radiant = 0.5 * internal + solar;
        let to_mass = share * radiant;
        let to_surface = (1.0 - share - self.windows / (9.1 * self.area)) * radiant;
        let to_air = 0.5 * internal + demand;
        let h1 = 1.0 / (1.0 / self.ventilation + 1.0 / self.surface_to_air);
        let h2 = h1 + self.windows;
        let h3 = 1.0 / (1.0 / h2 + 1.0 / self.mass_to_surface);
        let air = to_air / self.ventilation + outside;
        let total = to_mass
            + self.opaque * outside
            + h3 * (to_surface + self.windows * outside + h1 * air) / h2;
        let rate = self.capacity / 3600.0;
        let half = 0.5 * (h3 + self.opaque);
        let next = (mass * (rate - half) + total) / (rate + half);
        let mean_mass = 0.5 * (mass + next);
        let surface =
            (self.mass_to_surface * mean_mass + to_surface + self.windows * outside + h1 * air)
                / (self.mass_to_surface + self.windows + h1);
        let air = (self.surface_to_air * surface + self.ventilation * outside + to_air)
            / (self.surface_to_air + self.ventilation);
        Hourly { mass: next, mean_mass, air, surface, demand }
    }
}
